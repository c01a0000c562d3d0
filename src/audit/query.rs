//! Which entries of an organization's audit log a list shows.

use crate::base::time::Timestamp;

/// One page of the log, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only this action, as the API writes it.
    pub action: Option<String>,
    /// Only entries about this target, such as a key.
    pub target: Option<String>,
    /// Only entries of this actor.
    pub actor: Option<String>,
    /// Only entries at or after this time.
    pub from: Option<Timestamp>,
    /// Only entries before this time.
    pub to: Option<Timestamp>,
    /// Only entries that come after this one in the list: its time and id.
    pub after: Option<(Timestamp, String)>,
    /// How many at most.
    pub limit: u32,
}

impl AuditQuery {
    /// The list that this is a page of, for binding cursors to it.
    #[must_use]
    pub fn list_name(&self, org: &str) -> String {
        format!("audit\n{org}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}", self.action, self.target, self.actor, self.from, self.to)
    }
}
