//! What all lists share: one row more than the page holds is asked for, and tells whether there is a next page.

use crate::base::{
    cursor::{self, ForeignCursor},
    time::Timestamp,
};

/// A page of a list.
pub struct Page<T> {
    /// Its rows.
    pub items: Vec<T>,
    /// The cursor of the next page, if there is one.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// The page of at most `limit` out of the rows that were found for `limit + 1`; `place` is where a row stands in the
    /// list of that name.
    #[must_use]
    pub fn cut(mut items: Vec<T>, limit: u32, list_name: &str, place: impl Fn(&T) -> String) -> Self {
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let last = items.last().filter(|_| more);
        let next_cursor = last.map(|row| cursor::seal(list_name, &place(row)));
        Self { items, next_cursor }
    }
}

/// A place in a list that is ordered by time and id, as a cursor's content.
#[must_use]
pub fn place(at: Timestamp, id: &impl std::fmt::Display) -> String {
    format!("{} {id}", at.ms())
}

/// Reads the place that a cursor of the list holds.
///
/// # Errors
/// [`ForeignCursor`] when it is not one of that list.
pub fn open(list_name: &str, cursor: Option<&str>) -> Result<Option<(Timestamp, String)>, ForeignCursor> {
    let Some(cursor) = cursor else { return Ok(None) };
    let content = cursor::open(list_name, cursor)?;
    let (at, id) = content.split_once(' ').ok_or(ForeignCursor)?;
    Ok(Some((Timestamp::from_ms(at.parse().map_err(|_| ForeignCursor)?), id.to_owned())))
}
