//! What an isolate remembers between requests: plain data, bounded, least recently used out first.
//!
//! It is a cache and nothing else: a guard confirms the version of an organization before it is relied on, and everything
//! else is relied on for a stated time.

use std::{
    cell::{Cell, RefCell},
    num::NonZeroUsize,
    rc::Rc,
};

use lru::LruCache;

use super::known_keys::KnownKeys;
use crate::{
    base::{id::OrgId, time::Timestamp},
    policy::org::Organization,
};

const MAX_ORGS: NonZeroUsize = NonZeroUsize::new(1000).expect("1000 is not zero");

/// How long an isolate may rely on having heard that no key was ever imported. The first import waits this long, and a
/// margin, before it answers: then no edge relies on it any more.
pub const NO_IMPORTS_MS: i64 = 2_000;

/// The memory of one isolate. Clones share it.
#[derive(Clone)]
pub struct Memory {
    orgs: Rc<RefCell<LruCache<OrgId, Rc<Organization>>>>,
    imports: Rc<Cell<Imports>>,
    /// The identity provider's keys, and when they were asked for.
    ///
    /// INVARIANT: never borrowed across an await, for another request comes in there.
    pub known_keys: Rc<RefCell<KnownKeys>>,
}

/// Whether keys were imported, as far as this isolate heard.
#[derive(Clone, Copy)]
enum Imports {
    Unknown,
    /// There were none; it was asked at that time.
    None(Timestamp),
    Some,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            orgs: Rc::new(RefCell::new(LruCache::new(MAX_ORGS))),
            imports: Rc::new(Cell::new(Imports::Unknown)),
            known_keys: Rc::default(),
        }
    }
}

impl Memory {
    /// The organization as last seen.
    #[must_use]
    pub fn org(&self, id: &OrgId) -> Option<Rc<Organization>> {
        self.orgs.borrow_mut().get(id).cloned()
    }

    /// Remembers an organization.
    ///
    /// INVARIANT: versions never go back, however late a slow read arrives.
    pub fn remember_org(&self, organization: Rc<Organization>) {
        let mut orgs = self.orgs.borrow_mut();
        if orgs.peek(&organization.id).is_none_or(|known| known.version <= organization.version) {
            orgs.put(organization.id.clone(), organization);
        }
    }
}

impl Memory {
    /// Whether keys were imported; `None` when the truth must be asked.
    #[must_use]
    pub fn has_imports(&self, now: Timestamp) -> Option<bool> {
        match self.imports.get() {
            Imports::Some => Some(true),
            Imports::None(asked_at) if (asked_at..asked_at.plus_ms(NO_IMPORTS_MS)).contains(&now) => Some(false),
            Imports::None(_) | Imports::Unknown => None,
        }
    }

    /// Remembers what the truth said when it was asked; the time is that from before the question left.
    pub fn remember_imports(&self, any: bool, asked_at: Timestamp) {
        self.imports.set(if any { Imports::Some } else { Imports::None(asked_at) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixtures::{self, NOW};

    #[test]
    fn that_there_are_no_imports_is_believed_for_a_moment_only() {
        let memory = Memory::default();
        assert_eq!(memory.has_imports(NOW), None);
        memory.remember_imports(false, NOW);
        assert_eq!(memory.has_imports(NOW.plus_ms(NO_IMPORTS_MS - 1)), Some(false));
        assert_eq!(memory.has_imports(NOW.plus_ms(NO_IMPORTS_MS)), None);
        assert_eq!(memory.has_imports(NOW.plus_ms(-1)), None, "a clock that went back proves nothing");
        memory.remember_imports(true, NOW);
        assert_eq!(memory.has_imports(NOW.plus_ms(1_000_000_000)), Some(true));
    }

    #[test]
    fn an_older_version_that_arrives_late_is_not_remembered() {
        let (memory, old) = (Memory::default(), fixtures::organization(serde_json::json!({})));
        let new = Rc::new(Organization { version: 2, ..old.clone() });
        memory.remember_org(new.clone());
        memory.remember_org(Rc::new(old));
        assert_eq!(memory.org(&new.id), Some(new));
    }
}
