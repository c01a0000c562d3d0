//! What an isolate knows of keys or of organizations: the newest record that it saw, and what it holds of the subject.

use std::{
    cell::{Cell, RefCell},
    hash::Hash,
    num::NonZeroUsize,
    rc::Rc,
};

use lru::LruCache;

use crate::{
    base::{
        chance::NoEntropy,
        id::{EdgeId, KeyId, OrgId, SecretId},
        time::Timestamp,
    },
    key::record::{KeyRecord, StoredRecordError},
    limit::holding::{Found, Holding},
    policy::org::Organization,
    ports::{Chore, Ports, Subject},
    usage::{
        report::{Deed, Report},
        tally::{Tallies, Tone},
    },
};

/// A record that a guard hands out.
pub trait Guarded: Sized {
    /// What names its subject.
    type Id: Clone + Eq + Hash;
    /// Whether what is asked of the subject is counted.
    const COUNTED: bool;

    /// Its subject's id.
    fn id(&self) -> &Self::Id;
    /// Its version.
    fn version(&self) -> u64;
    /// About how many bytes of memory it takes.
    fn bytes(&self) -> usize;
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
    const COUNTED: bool = true;

    fn id(&self) -> &KeyId {
        &self.id
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn bytes(&self) -> usize {
        self.bytes()
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
    const COUNTED: bool = false;

    fn id(&self) -> &OrgId {
        &self.id
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn bytes(&self) -> usize {
        self.bytes()
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

/// What an entry takes beside its record: links, its share of the tables, the key's text, its digest's entry.
const ENTRY_BYTES: usize = 200;

/// About how many bytes a subject takes that is known by this record.
fn weight<R: Guarded>(record: &R) -> usize {
    record.bytes() + size_of::<Entry<R>>() + ENTRY_BYTES
}

/// The records of one kind. Clones share them.
pub struct Shelf<R: Guarded> {
    entries: Rc<RefCell<LruCache<R::Id, Entry<R>>>>,
    /// About what the subjects take.
    bytes: Rc<Cell<usize>>,
    /// So many subjects at most, and so many bytes: there may be few large records, and many small ones.
    most: usize,
    most_bytes: usize,
    /// What was counted is not forgotten with the record. `None` before the first message.
    tallies: Rc<RefCell<Option<Tallies<R::Id>>>>,
}

impl<R: Guarded> Clone for Shelf<R> {
    fn clone(&self) -> Self {
        Self {
            entries: Rc::clone(&self.entries),
            bytes: Rc::clone(&self.bytes),
            most: self.most,
            most_bytes: self.most_bytes,
            tallies: Rc::clone(&self.tallies),
        }
    }
}

impl<R: Guarded> Shelf<R> {
    /// An empty one for so many subjects, and records that take about so many bytes.
    #[must_use]
    pub fn new(size: NonZeroUsize, most_bytes: usize) -> Self {
        Self {
            entries: Rc::new(RefCell::new(LruCache::unbounded())),
            bytes: Rc::default(),
            most: size.get(),
            most_bytes,
            tallies: Rc::default(),
        }
    }

    /// How many subjects it knows.
    #[must_use]
    pub fn size(&self) -> usize {
        self.entries.borrow().len()
    }

    /// About how many bytes of memory they take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.get()
    }

    /// The newest record that was seen. Only a lease or a guard's answer makes it one to rely on.
    #[must_use]
    pub fn record(&self, id: &R::Id) -> Option<Rc<R>> {
        self.entries.borrow_mut().get(id).map(|entry| Rc::clone(&entry.record))
    }

    /// Remembers a record, and gives back the newest one.
    ///
    /// INVARIANT: versions never go back, however late a slow read arrives.
    pub fn remember(&self, record: Rc<R>) -> Rc<R> {
        let mut shelf = self.entries.borrow_mut();
        let mut bytes = self.bytes.get() + weight(record.as_ref());
        let newest = match shelf.get_mut(record.id()) {
            Some(entry) if entry.record.version() >= record.version() => return Rc::clone(&entry.record),
            Some(entry) => {
                bytes = bytes.saturating_sub(weight(entry.record.as_ref()));
                entry.record = Rc::clone(&record);
                record
            }
            None => {
                shelf.put(record.id().clone(), Entry { record: Rc::clone(&record), holding: Holding::default() });
                record
            }
        };
        while (bytes > self.most_bytes || shelf.len() > self.most) && shelf.len() > 1 {
            bytes = bytes.saturating_sub(shelf.pop_lru().map_or(0, |(_, entry)| weight(entry.record.as_ref())));
        }
        self.bytes.set(bytes);
        newest
    }

    /// Forgets a subject that is gone.
    pub fn forget(&self, id: &R::Id) {
        let gone = self.entries.borrow_mut().pop(id);
        self.bytes.set(self.bytes.get().saturating_sub(gone.map_or(0, |entry| weight(entry.record.as_ref()))));
    }

    /// What is held of the subject, for a request for `tokens`.
    #[must_use]
    pub fn find(&self, id: &R::Id, tokens: u32, now: Timestamp) -> Found {
        self.entries.borrow_mut().get(id).map_or(Found::Nothing, |entry| entry.holding.find(tokens, now))
    }

    /// What should be done for the subject after the answer.
    #[must_use]
    pub fn chores(&self, id: &R::Id, ttl_ms: u32, now: Timestamp) -> [Option<Chore>; 2] {
        let owes = self.owes(id);
        let wants = |holding: &mut Holding| (ttl_ms > 0 && holding.wants_renewal(now), holding.plan_settlement(owes, now));
        let (renewal, settlement) = self.with(id, wants).unwrap_or_default();
        [renewal.then(|| Chore::Renew { subject: R::subject(id), ttl_ms }), settlement.then(|| Chore::Settle { subject: R::subject(id) })]
    }

    /// Sees to it that what is about to be asked of the subject's guard is settled, though the request be cut off while it
    /// waits for the answer, or come to no decision.
    pub fn watch(&self, ports: &Ports, id: &R::Id) {
        let now = ports.clock.now();
        if R::COUNTED && self.with(id, |holding| holding.plan_settlement(true, now)).unwrap_or(false) {
            ports.background.later(Chore::Settle { subject: R::subject(id) });
        }
    }

    /// Changes what is held of the subject; `None` when it is not known any more.
    pub fn with<T>(&self, id: &R::Id, change: impl FnOnce(&mut Holding) -> T) -> Option<T> {
        self.entries.borrow_mut().get_mut(id).map(|entry| change(&mut entry.holding))
    }
}

impl<R: Guarded> Shelf<R> {
    /// Counts a decided request. `false` when it cannot be.
    #[must_use]
    pub fn count(&self, id: &R::Id, secret: &SecretId, deed: Deed) -> bool {
        self.tallies.borrow_mut().as_mut().is_some_and(|tallies| tallies.count(id, secret, deed))
    }

    /// What the next message to the subject's guard tells; nothing of what is not counted.
    ///
    /// # Errors
    /// When the isolate has no name yet and none can be made.
    pub fn report(&self, id: &R::Id, tone: Tone, ports: &Ports) -> Result<Option<Report>, NoEntropy> {
        if !R::COUNTED {
            return Ok(None);
        }
        let (mut tallies, now) = (self.tallies.borrow_mut(), ports.clock.now());
        if tallies.is_none() {
            *tallies = Some(Tallies::of(EdgeId::new(now, ports.entropy.as_ref())?));
        }
        Ok(tallies.as_mut().map(|tallies| tallies.report(id, tone, now)))
    }

    /// What became of the message that told it.
    pub fn told(&self, id: &R::Id, report: Option<&Report>, tone: Tone, is_heard: bool) {
        match (self.tallies.borrow_mut().as_mut(), report) {
            (Some(tallies), Some(report)) if is_heard => tallies.heard(id, report, tone),
            (Some(tallies), Some(report)) => tallies.unheard(id, report),
            _ => {}
        }
    }

    /// Nobody sees to it any more that the subject's guard hears what it has to.
    pub fn strand(&self, id: &R::Id) {
        if let Some(tallies) = self.tallies.borrow_mut().as_mut() {
            tallies.strand(id);
        }
    }

    /// A subject that nobody sees to; whoever takes it does.
    #[must_use]
    pub fn take_stranded(&self) -> Option<R::Id> {
        self.tallies.borrow_mut().as_mut()?.take_stranded()
    }

    /// Whether the subject's guard has still to hear something.
    #[must_use]
    pub fn owes(&self, id: &R::Id) -> bool {
        self.tallies.borrow().as_ref().is_some_and(|tallies| tallies.owes(id))
    }
}
