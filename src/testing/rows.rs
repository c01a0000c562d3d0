//! The rows of a guard's book in memory.

use std::{cell::RefCell, collections::BTreeMap, convert::Infallible, rc::Rc};

use crate::usage::rows::Rows;

/// The rows. Clones share them.
#[derive(Clone, Default)]
pub struct MemoryRows(Rc<RefCell<BTreeMap<String, String>>>);

impl Rows for MemoryRows {
    type Error = Infallible;

    fn find(&self, name: &str) -> Result<Option<String>, Infallible> {
        Ok(self.0.borrow().get(name).cloned())
    }

    fn list(&self, prefix: &str) -> Result<Vec<(String, String)>, Infallible> {
        let rows = self.0.borrow();
        let found = rows.iter().filter(|(name, _)| name.starts_with(prefix));
        Ok(found.map(|(name, text)| (name.clone(), text.clone())).collect())
    }

    fn put(&self, name: &str, text: &str) -> Result<(), Infallible> {
        self.0.borrow_mut().insert(name.to_owned(), text.to_owned());
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), Infallible> {
        self.0.borrow_mut().remove(name);
        Ok(())
    }
}
