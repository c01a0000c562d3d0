//! What an isolate knows of keys or of organizations: the newest record that it saw, and what it holds of the subject.

use std::{cell::RefCell, hash::Hash, num::NonZeroUsize, rc::Rc};

use lru::LruCache;

use crate::{
    base::{
        id::{KeyId, OrgId},
        time::Timestamp,
    },
    key::record::{KeyRecord, StoredRecordError},
    limit::holding::{Found, Holding},
    policy::org::Organization,
    ports::{Chore, Subject},
};

/// A record that a guard hands out.
pub trait Guarded: Sized {
    /// What names its subject.
    type Id: Clone + Eq + Hash;

    /// Its subject's id.
    fn id(&self) -> &Self::Id;
    /// Its version.
    fn version(&self) -> u64;
    /// Its subject.
    fn subject(id: &Self::Id) -> Subject;
    /// Reads the text that the guard hands out.
    ///
    /// # Errors
    /// When it is damaged or newer than this release.
    fn read(text: &str) -> Result<Self, StoredRecordError>;
}

impl Guarded for KeyRecord {
    type Id = KeyId;

    fn id(&self) -> &KeyId {
        &self.id
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn subject(id: &KeyId) -> Subject {
        Subject::Key(id.clone())
    }

    fn read(text: &str) -> Result<Self, StoredRecordError> {
        Self::from_stored(text)
    }
}

impl Guarded for Organization {
    type Id = OrgId;

    fn id(&self) -> &OrgId {
        &self.id
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn subject(id: &OrgId) -> Subject {
        Subject::Org(id.clone())
    }

    fn read(text: &str) -> Result<Self, StoredRecordError> {
        Ok(serde_json::from_str(text)?)
    }
}

/// A record and what is held of its subject.
struct Entry<R> {
    record: Rc<R>,
    holding: Holding,
}

/// The records of one kind. Clones share them.
pub struct Shelf<R: Guarded>(Rc<RefCell<LruCache<R::Id, Entry<R>>>>);

impl<R: Guarded> Clone for Shelf<R> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<R: Guarded> Shelf<R> {
    /// An empty one for so many subjects.
    #[must_use]
    pub fn new(size: NonZeroUsize) -> Self {
        Self(Rc::new(RefCell::new(LruCache::new(size))))
    }

    /// The newest record that was seen. Only a lease or a guard's answer makes it one to rely on.
    #[must_use]
    pub fn record(&self, id: &R::Id) -> Option<Rc<R>> {
        self.0.borrow_mut().get(id).map(|entry| Rc::clone(&entry.record))
    }

    /// Remembers a record, and gives back the newest one.
    ///
    /// INVARIANT: versions never go back, however late a slow read arrives.
    pub fn remember(&self, record: Rc<R>) -> Rc<R> {
        let mut shelf = self.0.borrow_mut();
        match shelf.get_mut(record.id()) {
            Some(entry) => {
                if entry.record.version() < record.version() {
                    entry.record = record;
                }
                Rc::clone(&entry.record)
            }
            None => {
                let entry = Entry { record: Rc::clone(&record), holding: Holding::default() };
                shelf.put(record.id().clone(), entry);
                record
            }
        }
    }

    /// Forgets a subject that is gone.
    pub fn forget(&self, id: &R::Id) {
        self.0.borrow_mut().pop(id);
    }

    /// What is held of the subject, for a request for `tokens`.
    #[must_use]
    pub fn find(&self, id: &R::Id, tokens: u32, now: Timestamp) -> Found {
        self.0.borrow_mut().get(id).map_or(Found::Nothing, |entry| entry.holding.find(tokens, now))
    }

    /// What should be done for the subject after the answer, if anything.
    #[must_use]
    pub fn chore(&self, id: &R::Id, ttl_ms: u32, now: Timestamp) -> Option<Chore> {
        self.with(id, |holding| {
            if holding.wants_renewal(now) {
                return Some(Chore::Renew { subject: R::subject(id), ttl_ms });
            }
            holding.plan_settlement(now).map(|after_ms| Chore::Settle { subject: R::subject(id), after_ms })
        })?
    }

    /// Changes what is held of the subject; `None` when it is not known any more.
    pub fn with<T>(&self, id: &R::Id, change: impl FnOnce(&mut Holding) -> T) -> Option<T> {
        self.0.borrow_mut().get_mut(id).map(|entry| change(&mut entry.holding))
    }
}
