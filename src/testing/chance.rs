//! Predictable sources of random bytes.

use std::{cell::Cell, rc::Rc};

use crate::base::chance::{Entropy, NoEntropy};

/// The same byte for ever.
pub struct Repeating(pub u8);

impl Entropy for Repeating {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        bytes.fill(self.0);
        Ok(())
    }
}

/// A generator that fails.
pub struct Broken;

impl Entropy for Broken {
    fn fill(&self, _: &mut [u8]) -> Result<(), NoEntropy> {
        Err(NoEntropy)
    }
}

/// Different bytes on each call, the same in each run (a 64-bit LCG; Knuth, TAOCP volume 2, 3.3.4).
pub struct Sequence(Cell<u64>);

impl Sequence {
    pub fn new(seed: u64) -> Self {
        Self(Cell::new(seed))
    }
}

impl Entropy for Sequence {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        for byte in bytes {
            let next = self.0.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            self.0.set(next);
            *byte = next.to_be_bytes()[0];
        }
        Ok(())
    }
}

impl<E: Entropy> Entropy for Rc<E> {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        self.as_ref().fill(bytes)
    }
}
