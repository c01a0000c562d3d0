//! What an isolate remembers between requests: plain data, bounded, least recently used out first.
//!
//! It is a cache and nothing else: a guard confirms the version of what is remembered before it is relied on.

use std::{cell::RefCell, num::NonZeroUsize, rc::Rc};

use lru::LruCache;

use crate::{base::id::OrgId, policy::org::Organization};

const MAX_ORGS: NonZeroUsize = NonZeroUsize::new(1000).expect("1000 is not zero");

/// The memory of one isolate. Clones share it.
#[derive(Clone)]
pub struct Memory {
    orgs: Rc<RefCell<LruCache<OrgId, Rc<Organization>>>>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { orgs: Rc::new(RefCell::new(LruCache::new(MAX_ORGS))) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixtures;

    #[test]
    fn an_older_version_that_arrives_late_is_not_remembered() {
        let (memory, old) = (Memory::default(), fixtures::organization(serde_json::json!({})));
        let new = Rc::new(Organization { version: 2, ..old.clone() });
        memory.remember_org(new.clone());
        memory.remember_org(Rc::new(old));
        assert_eq!(memory.org(&new.id), Some(new));
    }
}
