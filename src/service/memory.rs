//! What an isolate remembers between requests: plain data, bounded, least recently used out first.
//!
//! It is a cache and nothing else: what is remembered of a key or an organization is relied on only after a guard has
//! confirmed its version, that something is *not* there only for as long as nobody can have brought it, and everything
//! else for a stated time.

use std::{
    cell::{Cell, RefCell},
    num::NonZeroUsize,
    rc::Rc,
};

use lru::LruCache;

use super::{known_keys::KnownKeys, shelf::Shelf};
use crate::{
    base::{
        id::{KeyId, OrgId},
        time::Timestamp,
    },
    key::record::KeyRecord,
    limit::holding::Holding,
    policy::org::Organization,
    token::digest::Digest,
};

const MAX_ORGS: NonZeroUsize = NonZeroUsize::new(1000).expect("1000 is not zero");

/// A record is a few kilobytes at most.
const MAX_KEYS: NonZeroUsize = NonZeroUsize::new(10_000).expect("10000 is not zero");

/// 4096 digests with their times are less than half a megabyte.
const MAX_UNKNOWN: NonZeroUsize = NonZeroUsize::new(4096).expect("4096 is not zero");

/// How long a credential counts as unknown without being looked up again: as long as KV remembers a miss.
pub const UNKNOWN_MS: i64 = 60_000;

/// How long an isolate may rely on having heard that no key was ever imported. An import waits this long, and a
/// margin, before it answers, unless edges have long heard otherwise: then none relies on it any more.
pub const NO_IMPORTS_MS: i64 = 2_000;

/// The memory of one isolate. Clones share it.
#[derive(Clone)]
pub struct Memory {
    /// Keys: their newest records, and what is held of them.
    pub keys: Shelf<KeyRecord>,
    /// Organizations likewise.
    pub orgs: Shelf<Organization>,
    digests: Rc<RefCell<LruCache<Digest, KeyId>>>,
    imports: Rc<Cell<Imports>>,
    /// Digests that the truth did not know when it was asked at that time.
    unknown: Rc<RefCell<LruCache<Digest, Timestamp>>>,
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
            keys: Shelf::new(MAX_KEYS),
            orgs: Shelf::new(MAX_ORGS),
            digests: Rc::new(RefCell::new(LruCache::new(MAX_KEYS))),
            imports: Rc::new(Cell::new(Imports::Unknown)),
            unknown: Rc::new(RefCell::new(LruCache::new(MAX_UNKNOWN))),
            known_keys: Rc::default(),
        }
    }
}

impl Memory {
    /// The key that had a secret with that digest when it was last seen, and still has it in the newest record.
    #[must_use]
    pub fn key_of(&self, digest: &Digest) -> Option<Rc<KeyRecord>> {
        let id = self.digests.borrow_mut().get(digest).cloned()?;
        self.keys.record(&id).filter(|key| key.secret(digest).is_some())
    }

    /// Goes by no lease of these any more: whoever changed them here sees the change here at once.
    pub fn let_go(&self, org: Option<&str>, key: Option<&str>) {
        if let Some(id) = key.and_then(|key| KeyId::parse(key).ok()) {
            self.keys.with(&id, Holding::let_go);
        }
        if let Some(id) = org.and_then(|org| OrgId::parse(org).ok()) {
            self.orgs.with(&id, Holding::let_go);
        }
    }

    /// Remembers a key under one of its digests, and gives back its newest record.
    pub fn remember_key(&self, digest: Digest, key: KeyRecord) -> Rc<KeyRecord> {
        self.digests.borrow_mut().put(digest, key.id.clone());
        self.keys.remember(Rc::new(key))
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

impl Memory {
    /// Whether the truth did not know the digest a moment ago.
    ///
    /// INVARIANT: relied on only together with a valid [`Memory::has_imports`] of `false`. A key that is made here has a
    /// secret that nobody can have presented before; an imported one may have been probed, and no import answers before
    /// every edge has stopped believing that there are none.
    #[must_use]
    pub fn is_unknown(&self, digest: &Digest, now: Timestamp) -> bool {
        let asked_at = self.unknown.borrow_mut().get(digest).copied();
        asked_at.is_some_and(|asked_at| (asked_at..asked_at.plus_ms(UNKNOWN_MS)).contains(&now))
    }

    /// Remembers that the truth did not know the digest; the time is that from before the question left.
    pub fn remember_unknown(&self, digest: Digest, asked_at: Timestamp) {
        self.unknown.borrow_mut().put(digest, asked_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixtures::NOW;

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
    fn unknown_digest_is_remembered_for_a_while_and_among_a_bounded_number() {
        let (memory, digest) = (Memory::default(), |text: &str| Digest::of(text));
        assert!(!memory.is_unknown(&digest("a"), NOW));
        memory.remember_unknown(digest("a"), NOW);
        assert!(memory.is_unknown(&digest("a"), NOW.plus_ms(UNKNOWN_MS - 1)));
        assert!(!memory.is_unknown(&digest("a"), NOW.plus_ms(UNKNOWN_MS)));
        assert!(!memory.is_unknown(&digest("a"), NOW.plus_ms(-1)), "a clock that went back proves nothing");
        for number in 0..MAX_UNKNOWN.get() {
            memory.remember_unknown(digest(&number.to_string()), NOW);
        }
        assert!(!memory.is_unknown(&digest("a"), NOW));
    }
}
