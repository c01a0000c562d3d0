//! One state of the model.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Broken, Scenario};
use crate::{
    base::time::Timestamp,
    limit::{
        guard::{Command, Guard, Reply},
        holding::Holding,
        lease::Settlement,
    },
};

/// Where all clocks start.
const START_MS: i64 = 1_900_000_000_000;

/// Everything at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    /// True time since the start.
    pub now_ms: i64,
    /// `None` once its storage is lost.
    pub guard: Option<Guard>,
    pub edges: Vec<Edge>,
    pub admin: Admin,
    /// The newest version that the truth holds.
    pub truth: u64,
    /// The newest version that an admin's call has returned for.
    pub returned: u64,
    /// Commands on their way whose answer nobody waits for.
    pub strays: Vec<Command>,
    /// When how many tokens were admitted, in true time.
    pub admitted: Vec<(i64, u32)>,
    pub budget: Budget,
    pub broken: Option<Broken>,
    pub seen: Seen,
}

/// An isolate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// For reading a trace; edges are alike.
    pub name: usize,
    /// The speed of its clock.
    pub speed: i64,
    /// The version that it goes by; 0 before it saw any.
    pub record: u64,
    pub holding: Holding,
    pub calls: Vec<Call>,
    /// The end of its newest lease in true time, for a look at that moment.
    pub last_good_ms: i64,
}

/// A question to the guard.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    /// The request that asks started when this version was the newest that an admin's call had returned for.
    pub at_least: u64,
    pub asked_at: Timestamp,
    pub version_known: u64,
    pub want: u32,
    pub settle: Vec<Settlement>,
    pub way: Way,
}

/// Where a question is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    There(Command),
    Back(Reply),
}

/// Where an admin's call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Admin {
    Idle,
    /// The truth has the change; the guard has to hear of it.
    Publishing,
    /// The guard has heard of it; the call returns at that true time.
    Waiting(i64),
}

/// What there is left of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Requests that come.
    pub requests: u32,
    /// Messages lost, doubled or overtaken, edges and guards that stop.
    pub mishaps: u32,
}

/// What shows that the model is not empty. No part of the state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub by_lease: bool,
    pub by_old_terms: bool,
    pub gave_back: bool,
    pub filled: bool,
}

/// What can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A request for one token, or for all that the guard has left.
    Request { edge: usize, all: bool },
    /// Somebody renews the edge's lease.
    Renew { edge: usize },
    /// The edge reads an index that may be stale.
    Read { edge: usize, version: u64 },
    /// A question reaches the guard; if `again`, it will once more.
    Reach { edge: usize, call: usize, again: bool },
    /// An answer reaches the edge; the request goes on, or gives its tokens back because another guard refused.
    Answer { edge: usize, call: usize, give_back: bool },
    /// The edge waits no longer; if `late`, the question still reaches the guard.
    GiveUp { edge: usize, call: usize, late: bool },
    /// The edge sends what it has to settle.
    Settle { edge: usize },
    /// A stray command reaches the guard; if `again`, it will once more.
    Stray { stray: usize, again: bool },
    /// The edge's isolate ends; its questions are lost, or still reach the guard.
    Crash { edge: usize, late: bool },
    /// The guard's object starts anew from what it stored.
    Restart,
    /// The guard's storage is lost.
    Forget,
    /// An admin changes the record.
    Change,
    /// The change reaches the guard; if `again`, it will once more.
    Adopt { again: bool },
    /// Time goes on.
    Tick,
}

/// What a clock of that speed shows.
pub fn moment(speed: i64, now_ms: i64) -> Timestamp {
    Timestamp::from_ms(START_MS + now_ms * speed / 100)
}

/// The last true time at which a clock of that speed shows less than `moment`.
pub fn last_before(speed: i64, moment: Timestamp) -> i64 {
    first_at(speed, moment.ms() - START_MS) - 1
}

/// The first true time at which a clock of that speed shows `ms` since the start.
pub fn first_at(speed: i64, ms: i64) -> i64 {
    (ms * 100 + speed - 1).div_euclid(speed)
}

/// True time of a moment of the guard's clock.
pub fn true_ms(moment: Timestamp) -> i64 {
    moment.ms() - START_MS
}

impl World {
    pub fn new(scenario: &Scenario, guard: Guard) -> Self {
        Self {
            now_ms: 0,
            guard: Some(guard),
            edges: scenario.edges.iter().enumerate().map(|(name, speed)| Edge::new(name, *speed)).collect(),
            admin: Admin::Idle,
            truth: 1,
            returned: 1,
            strays: Vec::new(),
            admitted: Vec::new(),
            budget: scenario.budget,
            broken: None,
            seen: Seen::default(),
        }
    }

    /// The guard's clock.
    pub fn guard_now(&self) -> Timestamp {
        moment(100, self.now_ms)
    }
}

impl Edge {
    pub fn new(name: usize, speed: i64) -> Self {
        Self { name, speed, record: 0, holding: Holding::default(), calls: Vec::new(), last_good_ms: 0 }
    }

    /// Its clock.
    pub fn now(&self, now_ms: i64) -> Timestamp {
        moment(self.speed, now_ms)
    }
}

impl Hash for World {
    /// Edges whose clocks run alike are alike, and strays have no order: states that differ only so are one.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { now_ms, guard, edges, admin, truth, returned, strays, admitted, budget, broken, seen: _ } = self;
        (now_ms, guard, admin, truth, returned, admitted, budget, broken).hash(state);
        in_any_order(edges).hash(state);
        in_any_order(strays).hash(state);
    }
}

impl Hash for Edge {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { name: _, speed, record, holding, calls, last_good_ms } = self;
        (speed, record, holding, last_good_ms).hash(state);
        in_any_order(calls).hash(state);
    }
}

fn in_any_order<T: Hash>(all: &[T]) -> Vec<u64> {
    let hash = |one: &T| {
        let mut hasher = DefaultHasher::new();
        one.hash(&mut hasher);
        hasher.finish()
    };
    let mut hashes: Vec<u64> = all.iter().map(hash).collect();
    hashes.sort_unstable();
    hashes
}
