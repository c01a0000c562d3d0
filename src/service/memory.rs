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

/// So many keys at most, if they take no more than this. An isolate has 128 MB: half of it is for all that is known of
/// keys, and of that half a third is for what was counted and not told yet. It is enough for that many ordinary keys.
const MAX_KEYS: NonZeroUsize = NonZeroUsize::new(100_000).expect("100000 is not zero");
const MAX_KEY_BYTES: usize = 44 * 1024 * 1024;

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
            keys: Shelf::new(MAX_KEYS, MAX_KEY_BYTES),
            orgs: Shelf::new(MAX_ORGS, usize::MAX),
            imports: Rc::new(Cell::new(Imports::Unknown)),
            unknown: Rc::new(RefCell::new(LruCache::new(MAX_UNKNOWN))),
            known_keys: Rc::default(),
        }
    }
}

impl Memory {
    /// The known key that has a secret with that digest in its newest record.
    #[must_use]
    pub fn key_of(&self, digest: &Digest) -> Option<Rc<KeyRecord>> {
        self.keys.key_of(digest)
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

    /// Remembers a key, and gives back its newest record.
    pub fn remember_key(&self, key: KeyRecord) -> Rc<KeyRecord> {
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
    use crate::testing::fixtures::{self, NOW};

    /// As many keys as are asked for, each with its own id, digest and notes of that size.
    fn keys(count: u32, notes: usize) -> impl Iterator<Item = (Digest, KeyRecord)> {
        let chance = crate::testing::chance::Sequence::new(1);
        (0..count).map(move |number| {
            let mut key = fixtures::key();
            key.id = KeyId::new(NOW, &chance).unwrap();
            let digest = Digest::of(&number.to_string());
            key.secrets[0].digest = digest;
            key.metadata = serde_json::from_value(serde_json::json!({"note": "x".repeat(notes)})).unwrap();
            (digest, key)
        })
    }

    #[test]
    fn large_keys_push_the_oldest_out_before_there_are_many() {
        let memory = Memory::default();
        let all: Vec<Digest> = keys(12_000, 4_000)
            .map(|(digest, key)| {
                memory.remember_key(key);
                digest
            })
            .collect();
        let known = memory.keys.size();
        assert!((9_000..11_000).contains(&known), "{known}");
        let remembered = all.iter().filter(|digest| memory.key_of(digest).is_some()).count();
        assert_eq!(remembered, known);
        assert!(all.iter().rev().take(known).all(|digest| memory.key_of(digest).is_some()), "the newest are known");
    }

    #[test]
    fn keys_share_what_they_are_granted_and_who_made_them_in_each_version() {
        let memory = Memory::default();
        let read = |key: &KeyRecord| KeyRecord::from_stored(&key.to_stored().unwrap()).unwrap();
        let [one, two] = [0, 1].map(|number| {
            let (_, key) = keys(2, 10).nth(number).unwrap();
            memory.remember_key(read(&key));
            memory.keys.remember(Rc::new(read(&KeyRecord { version: 9, ..key })))
        });
        assert_eq!((one.version, two.version), (9, 9));
        assert!(Rc::ptr_eq(&one.permissions, &two.permissions));
        assert!(Rc::ptr_eq(&one.created_by, &two.created_by));
    }

    #[test]
    fn what_a_key_takes_is_counted_anew_when_it_changes_and_not_at_all_when_it_is_gone() {
        let (memory, (digest, key)) = (Memory::default(), keys(1, 10).next().unwrap());
        let bytes = |memory: &Memory| memory.keys.bytes();
        memory.remember_key(key.clone());
        let before = bytes(&memory);
        memory.remember_key(key.clone());
        assert_eq!(bytes(&memory), before, "the same record again");
        let longer = KeyRecord { name: ("x".repeat(64) + &key.name).into(), version: key.version + 1, ..key.clone() };
        memory.remember_key(longer);
        assert_eq!(bytes(&memory), before + 64);
        memory.remember_key(key.clone());
        assert_eq!(bytes(&memory), before + 64, "an older record changes nothing");
        assert!(memory.key_of(&digest).is_some());
        memory.keys.forget(&key.id);
        assert_eq!((bytes(&memory), memory.key_of(&digest)), (0, None));
    }

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
