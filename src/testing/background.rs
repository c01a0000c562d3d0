//! What requests leave to do, until a test does it.

use std::{cell::RefCell, rc::Rc};

use crate::ports::{Background, Chore};

/// The chores, and what was logged. Clones share them.
#[derive(Clone, Default)]
pub struct MemoryBackground {
    chores: Rc<RefCell<Vec<Chore>>>,
    log: Rc<RefCell<Vec<String>>>,
}

impl MemoryBackground {
    /// All that was left to do since the last time, in order.
    pub fn take(&self) -> Vec<Chore> {
        self.chores.take()
    }

    /// All lines that were logged.
    pub fn logged(&self) -> Vec<String> {
        self.log.borrow().clone()
    }
}

impl Background for MemoryBackground {
    fn later(&self, chore: Chore) {
        self.chores.borrow_mut().push(chore);
    }

    fn log(&self, line: &str) {
        self.log.borrow_mut().push(line.to_owned());
    }
}
