//! What an edge tells a key's guard: how often which decision was made, and which requests were the last.

use std::{borrow::Cow, net::IpAddr};

use serde::{Deserialize, Serialize};

use crate::base::{
    id::{EdgeId, SecretId},
    time::Timestamp,
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
}

/// Requests with one secret that were decided alike within one hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The code of the contract: `VALID`, or why not.
    pub code: Cow<'static, str>,
    /// The secret that was presented.
    pub secret: SecretId,
    /// The last of them, by the edge's clock.
    pub last_at: Timestamp,
    /// How many.
    pub count: u64,
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
