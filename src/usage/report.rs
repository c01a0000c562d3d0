//! What an edge tells a guard: how often which decision was made, what the key was used for, and which requests were the
//! last.

use std::{borrow::Cow, net::IpAddr};

use serde::{Deserialize, Serialize};

use crate::{
    base::{
        id::{EdgeId, SecretId},
        time::Timestamp,
    },
    policy::scope::Permission,
};

/// So many of a key's last requests are kept.
pub const MAX_DEEDS: usize = 100;

/// A message to a guard, as it travels: a command, and a report along with it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Message<C, R> {
    /// What is asked.
    pub command: C,
    /// What is told.
    pub report: Option<R>,
}

/// What goes along with a message to a key's guard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Who reports.
    pub edge: EdgeId,
    /// Grows with every message of the edge: of two, the guard knows the later one.
    pub number: u64,
    /// When it was sent, by the edge's clock; the guard goes by differences to it alone.
    pub sent_at: Timestamp,
    /// Whether the guard has heard of all that was counted until then, once it has this: nothing waits, nor is on its way in
    /// another message.
    pub is_whole: bool,
    /// What was counted, if there is something to tell.
    pub bundle: Option<Bundle>,
}

/// What was counted. It is sent until it is heard, and never changes on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// The message that carried it first. A guard takes the bundles of an edge in that order, each once.
    pub number: u64,
    /// The counts.
    pub lines: Vec<Line>,
    /// The last requests, oldest first.
    pub deeds: Vec<Deed>,
    /// The permissions that were made use of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<PermissionUse>,
    /// What was done for users.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub impersonations: Vec<Impersonation>,
}

/// Requests with one secret that were decided alike within one hour; of an organization, with any of its keys. Or answers of
/// the origin of one class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The code of the contract: `VALID`, or why not. Or a class of the origin's answers, see
    /// [`super::count::origin_class`].
    pub code: Cow<'static, str>,
    /// The secret that was presented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretId>,
    /// The last of them, by the edge's clock.
    pub last_at: Timestamp,
    /// How many.
    pub count: u64,
}

/// A permission that an admitted request asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermissionUse {
    /// Which.
    pub permission: Permission,
    /// The last time, by the edge's clock.
    pub last_at: Timestamp,
}

/// Admitted requests that were made for one user, alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Impersonation {
    /// The user whom they were made for.
    pub user: String,
    /// Their method, if it is known.
    pub method: Option<String>,
    /// Their path, without the query, if it is known; not of each where there are many.
    pub path: Option<String>,
    /// Where the last of them came from.
    pub ip: Option<IpAddr>,
    /// The first of them: by the edge's clock in a report, by the guard's where it is kept.
    pub first_at: Timestamp,
    /// The last of them, by the same clock.
    pub last_at: Timestamp,
    /// How many.
    pub count: u64,
}

impl Impersonation {
    /// Whether it tells of the same: the same user, method and path.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        (&self.user, &self.method, &self.path) == (&other.user, &other.method, &other.path)
    }

    /// Takes in another that tells of the same.
    pub fn absorb(&mut self, other: &Self) {
        if other.last_at >= self.last_at {
            (self.last_at, self.ip) = (other.last_at, other.ip);
        }
        self.first_at = self.first_at.min(other.first_at);
        self.count = self.count.saturating_add(other.count);
    }
}

/// One request, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// When it was decided: by the edge's clock in a report, by the guard's where it is kept.
    pub at: Timestamp,
    /// The code of the contract: `VALID`, or why not.
    pub code: Cow<'static, str>,
    /// Its method.
    pub method: Option<String>,
    /// Its path, without the query.
    pub path: Option<String>,
    /// Where it came from.
    pub ip: Option<IpAddr>,
    /// The user whom it was made for.
    pub act_as: Option<String>,
}
