//! What an isolate knows of keys or of organizations: the newest record that it saw, and what it holds of the subject.

use std::{cell::RefCell, hash::Hash, num::NonZeroUsize, rc::Rc};

use lru::LruCache;

use super::{
    commons::Commons,
    digests::Digests,
    named::{Identified, Named},
};
use crate::{
    base::{
        actor::Actor,
        chance::NoEntropy,
        heap,
        id::{EdgeId, KeyId, OrgId},
        json,
        time::Timestamp,
    },
    key::record::{KeyRecord, StoredRecordError},
    limit::holding::{Found, Holding},
    policy::{org::Organization, scope::Permission},
    ports::{Chore, Ports, Subject},
    token::digest::Digest,
    usage::{
        report::Report,
        tally::{Tallies, Tone},
    },
};

/// A record that a guard hands out.
pub trait Guarded: Sized {
    /// What names its subject.
    type Id: Clone + Eq + Hash + Identified<Self::Id>;
    /// What records have in common.
    type Commons: Default;
    /// Its subject's id.
    fn id(&self) -> &Self::Id;
    /// Its version.
    fn version(&self) -> u64;
    /// How many bytes of memory it takes.
    fn bytes(&self) -> usize;
    /// Shares what it has in common with others.
    fn share(&mut self, commons: &mut Self::Commons);
    /// It is known now.
    fn file(_: &Rc<Self>, _: &mut Self::Commons) {}
    /// It is not known any more.
    fn remove(_: &Rc<Self>, _: &mut Self::Commons) {}
    /// Its subject.
    fn subject(id: &Self::Id) -> Subject;
    /// Reads the text that the guard hands out.
    ///
    /// # Errors
    /// When it is damaged or newer than this release.
    fn read(text: &str) -> Result<Self, StoredRecordError>;
}

/// What keys have in common: what they were granted, who made them, and where they are found by a secret.
#[derive(Default)]
pub struct KeyCommons {
    permissions: Commons<Rc<Vec<Permission>>>,
    actors: Commons<Rc<Actor>>,
    digests: Digests,
}

impl Guarded for KeyRecord {
    type Id = KeyId;
    type Commons = KeyCommons;

    fn id(&self) -> &KeyId {
        &self.id
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn bytes(&self) -> usize {
        self.bytes() + self.secrets.len() * Digests::BYTES
    }

    fn share(&mut self, commons: &mut KeyCommons) {
        commons.permissions.share(&mut self.permissions);
        commons.actors.share(&mut self.created_by);
    }

    fn file(key: &Rc<Self>, commons: &mut KeyCommons) {
        commons.digests.file(key);
    }

    fn remove(key: &Rc<Self>, commons: &mut KeyCommons) {
        commons.digests.remove(key);
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
    type Commons = ();

    fn id(&self) -> &OrgId {
        &self.id
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn bytes(&self) -> usize {
        self.bytes()
    }

    fn share(&mut self, (): &mut ()) {}

    fn subject(id: &OrgId) -> Subject {
        Subject::Org(id.clone())
    }

    fn read(text: &str) -> Result<Self, StoredRecordError> {
        Ok(json::read(text)?)
    }
}

/// How many bytes a subject takes that is known by this record: the node of a list with two links, in a table of two
/// pointers for each.
fn weight<R: Guarded>(record: &R) -> usize {
    let pointers = 2 * size_of::<usize>();
    record.bytes() + heap::block(size_of::<(Named<R>, Holding)>() + pointers) + heap::entry(pointers)
}

/// The records of one kind. Clones share them.
pub struct Shelf<R: Guarded> {
    known: Rc<RefCell<Known<R>>>,
    /// What was counted is not forgotten with the record. `None` before the first message.
    tallies: Rc<RefCell<Option<Tallies<R::Id>>>>,
}

/// What is known, within bounds.
struct Known<R: Guarded> {
    entries: LruCache<Named<R>, Holding>,
    commons: R::Commons,
    /// What the subjects take.
    bytes: usize,
    /// So many subjects at most, and so many bytes: there may be few large records, and many small ones.
    most: usize,
    most_bytes: usize,
}

impl<R: Guarded> Clone for Shelf<R> {
    fn clone(&self) -> Self {
        Self { known: Rc::clone(&self.known), tallies: Rc::clone(&self.tallies) }
    }
}

impl<R: Guarded> Known<R> {
    fn remember(&mut self, mut record: Rc<R>) -> Rc<R> {
        if let Some(new) = Rc::get_mut(&mut record) {
            new.share(&mut self.commons);
        }
        if let Some((Named(known), _)) = self.get(record.id())
            && known.version() >= record.version()
        {
            return Rc::clone(known);
        }
        let holding = self.pop(record.id()).unwrap_or_default();
        self.entries.put(Named(Rc::clone(&record)), holding);
        R::file(&record, &mut self.commons);
        self.bytes += weight(record.as_ref());
        while (self.bytes > self.most_bytes || self.entries.len() > self.most) && self.entries.len() > 1 {
            let oldest = self.entries.pop_lru();
            self.release(oldest);
        }
        record
    }

    /// The record and what is held of its subject, which counts as use.
    fn get(&mut self, id: &R::Id) -> Option<(&Named<R>, &Holding)> {
        self.entries.get_key_value(id as &dyn Identified<R::Id>)
    }

    /// Takes the subject out: what was held of it.
    fn pop(&mut self, id: &R::Id) -> Option<Holding> {
        let gone = self.entries.pop_entry(id as &dyn Identified<R::Id>);
        self.release(gone)
    }

    fn release(&mut self, gone: Option<(Named<R>, Holding)>) -> Option<Holding> {
        let (Named(record), holding) = gone?;
        self.bytes = self.bytes.saturating_sub(weight(record.as_ref()));
        R::remove(&record, &mut self.commons);
        Some(holding)
    }
}

impl<R: Guarded> Shelf<R> {
    /// An empty one for so many subjects, which take so many bytes. No room is made before they come.
    #[must_use]
    pub fn new(size: NonZeroUsize, most_bytes: usize) -> Self {
        let known = Known { entries: LruCache::unbounded(), commons: R::Commons::default(), bytes: 0, most: size.get(), most_bytes };
        Self { known: Rc::new(RefCell::new(known)), tallies: Rc::default() }
    }

    /// How many subjects it knows.
    #[must_use]
    pub fn size(&self) -> usize {
        self.known.borrow().entries.len()
    }

    /// How many bytes of memory they take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.known.borrow().bytes
    }

    /// The newest record that was seen. Only a lease or a guard's answer makes it one to rely on.
    #[must_use]
    pub fn record(&self, id: &R::Id) -> Option<Rc<R>> {
        self.known.borrow_mut().get(id).map(|(Named(record), _)| Rc::clone(record))
    }

    /// Remembers a record, and gives back the newest one.
    ///
    /// INVARIANT: versions never go back, however late a slow read arrives.
    pub fn remember(&self, record: Rc<R>) -> Rc<R> {
        self.known.borrow_mut().remember(record)
    }

    /// Forgets a subject that is gone.
    pub fn forget(&self, id: &R::Id) {
        self.known.borrow_mut().pop(id);
    }

    /// What is held of the subject, for a request for `tokens`.
    #[must_use]
    pub fn find(&self, id: &R::Id, tokens: u32, now: Timestamp) -> Found {
        self.known.borrow_mut().get(id).map_or(Found::Nothing, |(_, holding)| holding.find(tokens, now))
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
        if self.with(id, |holding| holding.plan_settlement(true, now)).unwrap_or(false) {
            ports.background.later(Chore::Settle { subject: R::subject(id) });
        }
    }

    /// Changes what is held of the subject; `None` when it is not known any more.
    pub fn with<T>(&self, id: &R::Id, change: impl FnOnce(&mut Holding) -> T) -> Option<T> {
        self.known.borrow_mut().entries.get_mut(id as &dyn Identified<R::Id>).map(change)
    }
}

impl Shelf<KeyRecord> {
    /// The newest record of the key that has a secret with that digest.
    #[must_use]
    pub fn key_of(&self, digest: &Digest) -> Option<Rc<KeyRecord>> {
        let mut known = self.known.borrow_mut();
        let key = Rc::clone(known.commons.digests.find(digest)?);
        known.entries.promote(&key.id as &dyn Identified<KeyId>);
        Some(key)
    }
}

impl<R: Guarded> Shelf<R> {
    /// Counts with `count`; `false` when it cannot be.
    pub fn count(&self, count: impl FnOnce(&mut Tallies<R::Id>) -> bool) -> bool {
        self.tallies.borrow_mut().as_mut().is_some_and(count)
    }

    /// What the next message to the subject's guard tells.
    ///
    /// # Errors
    /// When the isolate has no name yet and none can be made.
    pub fn report(&self, id: &R::Id, tone: Tone, ports: &Ports) -> Result<Option<Report>, NoEntropy> {
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
