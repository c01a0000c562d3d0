//! What requests leave to do, until a test does it.

use std::{cell::RefCell, rc::Rc};

use crate::ports::{Background, Chore};

/// The chores. Clones share them.
#[derive(Clone, Default)]
pub struct MemoryBackground(Rc<RefCell<Vec<Chore>>>);

impl MemoryBackground {
    /// All that was left to do since the last time, in order.
    pub fn take(&self) -> Vec<Chore> {
        self.0.take()
    }
}

impl Background for MemoryBackground {
    fn later(&self, chore: Chore) {
        self.0.borrow_mut().push(chore);
    }
}
