//! The counts of floods in memory; they start anew only when a test says so.

use std::{cell::RefCell, collections::HashMap, net::IpAddr, rc::Rc};

use async_trait::async_trait;

use super::wire::{Call, Wire};
use crate::{
    network::subscriber,
    ports::{Flood, Throttle},
};

/// The counts. Clones share them. Without a limit everything is admitted, as on the platform without the binding.
#[derive(Clone, Default)]
pub struct MemoryThrottle {
    wire: Wire,
    limits: Rc<RefCell<HashMap<Flood, u32>>>,
    counts: Rc<RefCell<HashMap<(Flood, String), u32>>>,
}

impl MemoryThrottle {
    pub fn new(wire: Wire) -> Self {
        Self { wire, ..Self::default() }
    }

    /// How many occurrences are admitted from now on.
    pub fn limit(&self, flood: Flood, limit: u32) {
        self.limits.borrow_mut().insert(flood, limit);
    }

    /// The period is over.
    pub fn start_anew(&self) {
        self.counts.borrow_mut().clear();
    }
}

#[async_trait(?Send)]
impl Throttle for MemoryThrottle {
    async fn admits(&self, flood: Flood, address: IpAddr) -> bool {
        let count = || {
            let limit = self.limits.borrow().get(&flood).copied().unwrap_or(u32::MAX);
            let mut counts = self.counts.borrow_mut();
            let count = counts.entry((flood, subscriber::name(address))).or_default();
            *count += 1;
            Ok(*count <= limit)
        };
        self.wire.pass(Call::Throttle, count).unwrap_or(true)
    }
}
