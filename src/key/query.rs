//! Which keys of an organization a list shows, in which order, from where on.

use super::{record::Kind, state::Status};
use crate::base::time::Timestamp;

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortField {
    /// When the key was made.
    CreatedAt,
    /// When it was last used; never-used keys count as the oldest.
    LastUsedAt,
    /// Its name, without regard to case.
    Name,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub field: SortField,
    /// Largest first.
    pub descending: bool,
}

/// Where the page before ended: the last row's sort value as text, and its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The sort value: milliseconds or a name.
    pub value: String,
    /// The id, which breaks ties.
    pub id: String,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyQuery {
    /// Only these states; empty is all.
    pub statuses: Vec<Status>,
    /// Only this kind.
    pub kind: Option<Kind>,
    /// Only names that contain this, or prefixes that start with it, without regard to case.
    pub search: Option<String>,
    /// The order.
    pub sort: Sort,
    /// Only what comes after.
    pub after: Option<Position>,
    /// How many at most.
    pub limit: u32,
    /// The instant at which states are told.
    pub now: Timestamp,
}

impl Default for Sort {
    fn default() -> Self {
        Self { field: SortField::CreatedAt, descending: true }
    }
}

impl Sort {
    /// Reads `created_at`, `last_used_at` or `name`, with `-` in front for descending.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        let field = match name {
            "created_at" => SortField::CreatedAt,
            "last_used_at" => SortField::LastUsedAt,
            "name" => SortField::Name,
            _ => return None,
        };
        Some(Self { field, descending })
    }
}

impl KeyQuery {
    /// The list that this is a page of, for binding cursors to it: everything but position, length and time.
    #[must_use]
    pub fn list_name(&self, org: &str) -> String {
        let mut statuses: Vec<&str> = self.statuses.iter().map(|status| status.as_str()).collect();
        statuses.sort_unstable();
        let kind = self.kind.map_or("", Kind::as_str);
        let search = self.search.as_deref().unwrap_or_default();
        format!("keys\n{org}\n{}\n{kind}\n{:?}\n{search}", statuses.join(","), self.sort)
    }
}

impl Position {
    /// The position as a cursor's content.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}\n{}", self.id, self.value)
    }

    /// Reads that content.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.split_once('\n').map(|(id, value)| Self { value: value.to_owned(), id: id.to_owned() })
    }
}
