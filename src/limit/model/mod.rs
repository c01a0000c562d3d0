//! A model of the lease protocol for the model checker: edges, one guard, an admin, and a network that delays, loses,
//! doubles and reorders.
//!
//! In scope: what the machines of `limit` do together, whatever happens between them. The guard's rules and those of
//! what an edge holds are the product's own; only what the services do around them (which record an edge goes by, when
//! it asks) is told again here. Out of scope: two guards at once, clocks that go back.
//!
//! True time is the guard's clock. All other clocks run [`Scenario::edges`] percent as fast. Time goes on in steps, to the
//! next moment at which something ends: what happens in between happens at a moment before.

mod steps;
mod world;

use stateright::{Model, Property};

use self::world::{Action, Budget, World};
use super::{
    guard::{Guard, Terms},
    rate::RateLimit,
};

/// What is checked: who takes part, and how much of everything there is at most.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The speed of each edge's clock, in percent of the guard's.
    pub edges: &'static [i64],
    /// The speed of the admin's clock.
    pub admin: i64,
    /// The life of a lease.
    pub ttl_ms: u32,
    /// What counts as a limit, if there is one.
    pub limit: Option<RateLimit>,
    /// How many versions the record has in the end.
    pub versions: u64,
    /// Time stops at such multiples, beside the moments at which something ends …
    pub step_ms: i64,
    /// … and for good then.
    pub horizon_ms: i64,
    /// How many questions of one edge may be open at once.
    pub calls: usize,
    /// Whether edges read the index, beside asking the guard.
    pub reads: bool,
    /// Whether the guard can lose its storage.
    pub forgets: bool,
    /// Requests and mishaps.
    pub budget: Budget,
    /// What is deliberately wrong.
    pub fault: Option<Fault>,
}

/// A protocol that is broken on purpose, by what the machines are told. The model must find it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An edge counts its lease from the answer instead of from before it asked.
    CountedFromReceipt,
    /// An admin's call waits for the life of the leases alone, as if all clocks ran alike.
    NoMargin,
    /// An admin's call returns at once.
    NoWait,
    /// A guard takes an older record for the newest.
    GuardGoesBack,
    /// An edge takes an older record for the newest.
    EdgeGoesBack,
    /// A settlement is heard again, as that of the next lease.
    ReturnedTwice,
    /// A release is heard twice.
    ReleasedTwice,
    /// Leased tokens occupy the window from their grant instead of from the end of their lease.
    DatedToGrant,
}

/// What must never be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Broken {
    Revocation,
    Limit,
    Version,
}

pub const REVOCATION: &str = "after the admin's call has returned nobody is admitted on the old terms";
pub const LIMIT: &str = "no window admits more than the limit";
pub const VERSION: &str = "versions never go back";
const BY_LEASE: &str = "a request is admitted without asking";
const BY_OLD_TERMS: &str = "a request is admitted on the old terms while the admin waits";
const GIVES_BACK: &str = "a settlement gives tokens back";
const FILLS: &str = "a window is filled to the last token";

impl Scenario {
    fn terms(&self, version: u64) -> Terms {
        Terms { version, limit: self.limit, record: Some(version.to_string()) }
    }
}

impl Model for Scenario {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(self, Guard::new(self.terms(1), 0, world::moment(100, 0)))]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        steps::possible(self, world, actions);
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut next = world.clone();
        steps::take(self, &mut next, action).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always(REVOCATION, |_, world: &World| world.broken != Some(Broken::Revocation)),
            Property::always(LIMIT, |_, world: &World| world.broken != Some(Broken::Limit)),
            Property::always(VERSION, |_, world: &World| world.broken != Some(Broken::Version)),
        ];
        if self.ttl_ms > 0 {
            properties.push(Property::sometimes(BY_LEASE, |_, world: &World| world.seen.by_lease));
        }
        if self.ttl_ms > 0 && self.versions > 1 {
            properties.push(Property::sometimes(BY_OLD_TERMS, |_, world: &World| world.seen.by_old_terms));
        }
        if self.limit.is_some() {
            properties.push(Property::sometimes(GIVES_BACK, |_, world: &World| world.seen.gave_back));
            properties.push(Property::sometimes(FILLS, |_, world: &World| world.seen.filled));
        }
        properties
    }

    fn within_boundary(&self, world: &World) -> bool {
        world.now_ms <= self.horizon_ms
    }
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
