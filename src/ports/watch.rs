//! What watches over a deployment needs: points of what was decided, and a reading of what there is.

use async_trait::async_trait;

use super::Outage;
use crate::{
    base::time::Timestamp,
    key::{record::Kind, state::Status},
};

/// A data point about one decision. Its places are the columns that queries name: new ones go to the end.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Point {
    /// What points are sampled by when there are many: the organization's id, or `unknown`. At most 96 bytes.
    pub indexes: [String; 1],
    /// Code, key's id, surface, kind of the key, freshness, method; empty where there is none. At most 16 KB in all.
    pub blobs: [String; 6],
    /// 1, and the tokens that were spent.
    pub doubles: [u32; 2],
}

/// Where points go. They are for charts: losing one loses nothing that was promised, so nothing here fails.
pub trait Analytics {
    /// Whether points go anywhere; else none need be made.
    fn is_kept(&self) -> bool;
    /// Writes a point.
    fn write(&self, point: &Point);
}

/// How many keys of a kind are in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyCount {
    /// The kind.
    pub kind: Kind,
    /// The state. A key whose time is over is `Expired` from the next full hour on.
    pub status: Status,
    /// How many.
    pub count: u64,
}

/// What there is, read in one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Organizations, without the reserved one.
    pub organizations: u64,
    /// Keys of all organizations; what has no line here there is none of.
    pub keys: Vec<KeyCount>,
    /// Changes that may not be published yet.
    pub unpublished: u64,
    /// When the oldest of them was made; `None` without any.
    pub oldest_unpublished_at: Option<Timestamp>,
    /// Portal sessions that were opened and are not over.
    pub open_portal_sessions: u64,
    /// Decided requests by code, as far as edges have told them.
    pub decisions: Vec<(String, u64)>,
}

/// Counts over all organizations.
#[async_trait(?Send)]
pub trait Gauges {
    /// Reads them all in one statement, as they are at `now`.
    async fn read(&self, now: Timestamp) -> Result<Reading, Outage>;
}
