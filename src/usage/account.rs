//! What a guard knows of one edge: what it has heard of it, and whether it is still to hear of it.

use serde::{Deserialize, Serialize};

use super::report::{Bundle, Report};
use crate::{
    base::time::Timestamp,
    limit::{
        guard::{Command, Guard, Reply},
        holding::believed_ms,
    },
};

/// An edge tells what it counted within a few seconds after its lease. Who has said nothing for this long died, or is not
/// heard.
const LATE_MS: i64 = 10_000;

/// An edge's account with the guard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The newest bundle that was taken.
    bundle: u64,
    /// The newest message that was heard.
    message: u64,
    /// When one was heard that told all.
    heard_at: Timestamp,
    /// Until when the edge may decide by what it was granted; `None` once it has said that it stopped and told all.
    decides_until: Option<Timestamp>,
}

/// How a message leaves the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may decide until then.
    DecidesUntil(Timestamp),
    /// It has stopped.
    Stopped,
}

/// Requests that were decided in this time, by an edge or by several, may not be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// When the edge had last told all.
    pub from: Timestamp,
    /// The end of what it was granted.
    pub to: Timestamp,
}

impl Standing {
    /// What the command and its reply leave the edge with: nothing of a subject that is gone.
    #[must_use]
    pub fn after(guard: &Guard, command: &Command, reply: &Reply, now: Timestamp) -> Self {
        match (command, reply) {
            _ if guard.is_gone() => Self::Stopped,
            (Command::Settle { .. }, _) => Self::Stopped,
            (_, Reply::Granted { grant, .. }) => Self::DecidesUntil(now.plus_ms(grant.lease.map_or(0, |lease| lease.ttl_ms).into())),
            (_, Reply::Limited { quota, .. }) => Self::DecidesUntil(now.plus_ms(believed_ms(quota))),
            _ => Self::DecidesUntil(now),
        }
    }
}

impl Account {
    /// The account of an edge that was never heard of.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { bundle: 0, message: 0, heard_at: now, decides_until: None }
    }

    /// Hears a message; gives back what it brings that was not taken yet.
    ///
    /// INVARIANT: a bundle is taken once, however often messages carry it and whenever they arrive: an edge has one on its
    /// way at a time, and numbers only grow.
    pub fn hear<'a>(&mut self, report: &'a Report, standing: Standing, now: Timestamp) -> Option<&'a Bundle> {
        if report.number > self.message {
            self.message = report.number;
            if report.is_whole {
                self.heard_at = now;
            }
            self.decides_until = match standing {
                Standing::DecidesUntil(moment) => Some(self.decides_until.map_or(moment, |until| until.max(moment))),
                Standing::Stopped if report.is_whole => None,
                Standing::Stopped => Some(self.decides_until.unwrap_or(now)),
            };
        }
        let bundle = report.bundle.as_ref().filter(|bundle| bundle.number > self.bundle)?;
        self.bundle = bundle.number;
        Some(bundle)
    }

    /// When the edge decided what it has not told, though it should have.
    #[must_use]
    pub fn gap(&self, now: Timestamp) -> Option<Gap> {
        let to = self.decides_until.filter(|until| now >= until.plus_ms(LATE_MS))?;
        Some(Gap { from: self.heard_at, to })
    }

    /// Whether the edge was not heard to tell all since `moment`.
    #[must_use]
    pub fn is_silent_since(&self, moment: Timestamp) -> bool {
        self.heard_at < moment
    }
}
