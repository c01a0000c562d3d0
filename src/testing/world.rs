//! One deployment in memory, with handles that a test keeps while the services own their ports.

use std::rc::Rc;

use super::{
    background::MemoryBackground,
    chance::Sequence,
    clock::MemoryClock,
    fixtures::{self, NOW},
    guards::MemoryGuards,
    index::MemoryIndex,
    ledger::MemoryLedger,
    provider::{MemoryProvider, MemorySignatures},
    sessions::MemorySessions,
    throttle::MemoryThrottle,
    watch::Unwatched,
    wire::Wire,
};
use crate::{
    key::record::KeyRecord,
    policy::org::Organization,
    ports::{Ports, Subject},
    service::memory::Memory,
};

/// A deployment, and the memory of one of its edges.
pub struct World {
    pub wire: Wire,
    pub ledger: MemoryLedger,
    pub sessions: MemorySessions,
    pub index: MemoryIndex,
    pub guards: MemoryGuards,
    pub throttle: MemoryThrottle,
    pub provider: MemoryProvider,
    pub clock: MemoryClock,
    pub background: MemoryBackground,
    pub memory: Memory,
    entropy: Rc<Sequence>,
}

impl World {
    /// Nothing but one organization, in the truth only.
    pub fn of(organization: Organization) -> Self {
        let (wire, clock) = (Wire::default(), MemoryClock::at(NOW));
        let ledger = MemoryLedger::new(wire.clone());
        ledger.set_org(organization);
        let guards = MemoryGuards::new(wire.clone(), ledger.clone(), clock.clone());
        Self {
            sessions: MemorySessions::new(wire.clone(), ledger.clone()),
            index: MemoryIndex::new(wire.clone()),
            throttle: MemoryThrottle::new(wire.clone()),
            provider: MemoryProvider::new(wire.clone()),
            wire,
            ledger,
            guards,
            clock,
            background: MemoryBackground::default(),
            memory: Memory::default(),
            entropy: Rc::new(Sequence::new(1)),
        }
    }

    /// An organization and a key of it, in the truth and in the index; guards and memory are cold.
    pub fn with(organization: Organization, key: &KeyRecord) -> Self {
        let world = Self::of(organization);
        world.set(key);
        world
    }

    /// The usual organization and key.
    pub fn usual() -> Self {
        Self::with(fixtures::organization(serde_json::json!({})), &fixtures::key())
    }

    /// A key in the truth and in the index.
    pub fn set(&self, key: &KeyRecord) {
        self.ledger.set_key(key.clone());
        self.index.serve(key);
    }

    /// The ports of one request.
    pub fn ports(&self) -> Ports {
        Ports {
            background: Rc::new(self.background.clone()),
            ledger: Rc::new(self.ledger.clone()),
            sessions: Rc::new(self.sessions.clone()),
            rolls: Rc::new(self.ledger.clone()),
            index: Rc::new(self.index.clone()),
            guards: Rc::new(self.guards.clone()),
            throttle: Rc::new(self.throttle.clone()),
            analytics: Rc::new(Unwatched),
            gauges: Rc::new(Unwatched),
            descriptions: Rc::new(self.ledger.clone()),
            key_sets: Rc::new(self.provider.clone()),
            signatures: Rc::new(MemorySignatures::new(self.wire.clone())),
            clock: Rc::new(self.clock.clone()),
            entropy: Rc::clone(&self.entropy) as Rc<dyn crate::base::chance::Entropy>,
        }
    }

    /// The subject of the usual key.
    pub fn key_subject(&self) -> Subject {
        Subject::Key(fixtures::key_id())
    }

    /// The subject of the usual organization.
    pub fn org_subject(&self) -> Subject {
        Subject::Org(fixtures::org_id())
    }
}
