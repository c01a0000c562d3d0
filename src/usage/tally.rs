//! What an edge has counted and no guard has heard of yet.
//!
//! A bundle is sent until some message that carried it was answered. Until then what is counted meanwhile waits for the
//! next one, so a guard that takes each bundle once counts each request once.

use std::{borrow::Cow, collections::VecDeque, hash::Hash, num::NonZeroU64};

use hashbrown::HashMap;

use super::{
    count::Hour,
    report::{Bundle, Deed, Impersonation, Line, MAX_DEEDS, PermissionUse, Report},
};
use crate::{
    base::{
        id::{EdgeId, SecretId},
        time::Timestamp,
    },
    decision::verdict::VALID,
    policy::scope::Permission,
};

/// A message that carries a bundle and has not come back after this long may be lost: the bundle is sent again.
const PATIENCE_MS: i64 = 6_000;

/// The last requests are told this often; the counts are told by every message.
const DEEDS_EVERY_MS: i64 = 1_000;

/// So many requests are remembered in one isolate; with more, each subject's last one.
const MAX_DEEDS_IN_ALL: usize = 10_000;

/// So many subjects at most: only guards that do not answer for long let it come to that.
const MAX_TALLIES: usize = 100_000;

/// Of what was done for users, so many lines of a subject tell their paths; more are told together, user by user.
const MAX_DETAILED: usize = 200;

/// What one isolate has counted, by subject.
pub struct Tallies<Id> {
    edge: EdgeId,
    /// The number of the last message, over all subjects: a subject that is forgotten here is not begun anew with a
    /// number that its guard has heard.
    number: u64,
    open: HashMap<Id, Box<Tally>>,
    deeds: usize,
    /// Subjects whose guards did not answer for so long that nobody sees to it any more.
    stranded: Vec<Id>,
}

/// What was counted of one subject.
#[derive(Default)]
struct Tally {
    lines: Vec<Line>,
    deeds: VecDeque<Deed>,
    permissions: Vec<PermissionUse>,
    /// Few subjects act for users, and isolates hold many tallies: they are held elsewhere.
    #[expect(clippy::box_collection, reason = "a third of the memory, where there is nothing")]
    impersonations: Option<Box<Vec<Impersonation>>>,
    sent: Option<Box<Sent>>,
    deeds_told_at: Option<Timestamp>,
    /// The number of the last message, while the guard takes the edge to be at work with the subject.
    last_open: Option<NonZeroU64>,
}

/// A bundle that no guard is known to have heard.
struct Sent {
    bundle: Bundle,
    /// When the message left that carries it now; `None` when none does.
    since: Option<Timestamp>,
}

/// What a message is to the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// The edge goes on.
    Opening,
    /// The edge has stopped: it holds no lease, and everything is told.
    Closing,
}

impl<Id: Clone + Eq + Hash> Tallies<Id> {
    /// Nothing counted yet, by the isolate of that name.
    #[must_use]
    pub fn of(edge: EdgeId) -> Self {
        Self { edge, number: 0, open: HashMap::new(), deeds: 0, stranded: Vec::new() }
    }

    /// Counts one request whose decision had that code, or an answer of the origin of that class, and nothing more of it. `false` when there are so many subjects that
    /// it cannot be.
    pub fn count(&mut self, id: &Id, code: &'static str, at: Timestamp) -> bool {
        self.tally(id).map(|tally| tally.add(None, &Cow::Borrowed(code), at)).is_some()
    }

    /// Counts one decided request with that secret, and remembers it. `false` when there are so many subjects that it cannot
    /// be.
    pub fn count_deed(&mut self, id: &Id, secret: &SecretId, deed: Deed) -> bool {
        let most = if self.deeds < MAX_DEEDS_IN_ALL { MAX_DEEDS } else { 1 };
        let Some(tally) = self.tally(id) else { return false };
        let before = tally.deeds.len();
        tally.add(Some(secret), &deed.code, deed.at);
        if let Some(user) = deed.act_as.as_deref().filter(|_| deed.code == VALID) {
            add_impersonation(tally.impersonations.get_or_insert_default(), user, &deed);
        }
        if before == 0 {
            tally.deeds.reserve_exact(1);
        }
        tally.deeds.push_back(deed);
        while tally.deeds.len() > most {
            tally.deeds.pop_front();
        }
        let after = tally.deeds.len();
        self.deeds = (self.deeds + after).saturating_sub(before);
        true
    }

    /// Notes that a counted request made use of these permissions, as `each` tells them.
    pub fn note_uses(&mut self, id: &Id, at: Timestamp, each: impl FnOnce(&mut dyn FnMut(&Permission))) {
        if let Some(tally) = self.open.get_mut(id) {
            each(&mut |permission| tally.add_use(permission, at));
        }
    }

    /// What the next message to the subject's guard tells.
    pub fn report(&mut self, id: &Id, tone: Tone, now: Timestamp) -> Report {
        self.number += 1;
        let (edge, number) = (self.edge.clone(), self.number);
        let Some(tally) = self.tally(id) else { return Report { edge, number, sent_at: now, is_whole: false, bundle: None } };
        let bundle = tally.bundle(number, tone, now);
        let is_whole = tally.is_told_by(bundle.as_ref());
        // Whoever does not tell all leaves the guard waiting, as whoever goes on does.
        if tone == Tone::Opening || !is_whole || tally.last_open.is_some() {
            tally.last_open = NonZeroU64::new(number);
        }
        Report { edge, number, sent_at: now, is_whole, bundle }
    }

    /// The message was answered.
    pub fn heard(&mut self, id: &Id, report: &Report, tone: Tone) {
        let Some(tally) = self.open.get_mut(id) else { return };
        if let Some(sent) = tally.sent.take_if(|sent| sent.is_in(report)) {
            self.deeds = self.deeds.saturating_sub(sent.bundle.deeds.len());
        }
        // Somebody may have asked for a lease while the last word was on its way. And one that did not tell all is not the
        // last: the guard waits for the rest.
        if tone == Tone::Closing && report.is_whole && tally.last_open.map(NonZeroU64::get) == Some(report.number) {
            tally.last_open = None;
        }
        if tally.is_over() {
            self.open.remove(id);
        }
    }

    /// No answer came: what the message carried is told again.
    pub fn unheard(&mut self, id: &Id, report: &Report) {
        let sent = self.open.get_mut(id).and_then(|tally| tally.sent.as_mut());
        if let Some(sent) = sent.filter(|sent| sent.is_in(report)) {
            sent.since = None;
        }
    }

    /// Whether the subject's guard has still to hear something.
    #[must_use]
    pub fn owes(&self, id: &Id) -> bool {
        self.open.contains_key(id)
    }

    /// Nobody sees to it any more that the subject's guard hears what it has to.
    pub fn strand(&mut self, id: &Id) {
        if self.owes(id) && !self.stranded.contains(id) && self.stranded.len() < MAX_TALLIES {
            self.stranded.push(id.clone());
        }
    }

    /// A subject that nobody sees to; whoever takes it does.
    pub fn take_stranded(&mut self) -> Option<Id> {
        self.stranded.pop()
    }

    fn tally(&mut self, id: &Id) -> Option<&mut Tally> {
        if !self.open.contains_key(id) {
            if self.open.len() >= MAX_TALLIES {
                return None;
            }
            self.open.insert(id.clone(), Box::default());
        }
        self.open.get_mut(id).map(Box::as_mut)
    }
}

impl Sent {
    fn is_in(&self, report: &Report) -> bool {
        report.bundle.as_ref().is_some_and(|carried| carried.number == self.bundle.number)
    }
}

impl Tally {
    #[expect(clippy::ptr_arg, reason = "what is kept of a text that lives for ever costs nothing")]
    fn add(&mut self, secret: Option<&SecretId>, code: &Cow<'static, str>, at: Timestamp) {
        let hour = Hour::of(at);
        let alike = |line: &&mut Line| line.code == *code && line.secret.as_ref() == secret && Hour::of(line.last_at) == hour;
        if let Some(line) = self.lines.iter_mut().find(alike) {
            line.count = line.count.saturating_add(1);
            line.last_at = line.last_at.max(at);
            return;
        }
        push_exact(&mut self.lines, Line { code: code.clone(), secret: secret.cloned(), last_at: at, count: 1 });
    }

    fn add_use(&mut self, permission: &Permission, at: Timestamp) {
        match self.permissions.iter_mut().find(|known| known.permission == *permission) {
            Some(known) => known.last_at = known.last_at.max(at),
            None => push_exact(&mut self.permissions, PermissionUse { permission: permission.clone(), last_at: at }),
        }
    }

    fn bundle(&mut self, number: u64, tone: Tone, now: Timestamp) -> Option<Bundle> {
        if let Some(sent) = &mut self.sent {
            let is_on_its_way = sent.since.is_some_and(|since| (since..since.plus_ms(PATIENCE_MS)).contains(&now));
            if is_on_its_way {
                return None;
            }
            sent.since = Some(now);
            return Some(sent.bundle.clone());
        }
        let told_lately = self.deeds_told_at.is_some_and(|at| (at..at.plus_ms(DEEDS_EVERY_MS)).contains(&now));
        let deeds: Vec<Deed> = if told_lately && tone == Tone::Opening { Vec::new() } else { std::mem::take(&mut self.deeds).into() };
        let (lines, permissions) = (std::mem::take(&mut self.lines), std::mem::take(&mut self.permissions));
        let impersonations = self.impersonations.take().map_or_else(Vec::new, |impersonations| *impersonations);
        if lines.is_empty() && deeds.is_empty() {
            return None;
        }
        if !deeds.is_empty() {
            self.deeds_told_at = Some(now);
        }
        let bundle = Bundle { number, lines, deeds, permissions, impersonations };
        self.sent = Some(Box::new(Sent { bundle: bundle.clone(), since: Some(now) }));
        Some(bundle)
    }

    /// Whether nothing was counted that neither an earlier message has told for certain nor this one tells.
    fn is_told_by(&self, bundle: Option<&Bundle>) -> bool {
        self.lines.is_empty() && self.sent.as_ref().map(|sent| sent.bundle.number) == bundle.map(|bundle| bundle.number)
    }

    fn is_over(&self) -> bool {
        self.last_open.is_none() && self.sent.is_none() && self.lines.is_empty() && self.deeds.is_empty()
    }
}

fn add_impersonation(known: &mut Vec<Impersonation>, user: &str, deed: &Deed) {
    let (method, path) = (deed.method.clone(), deed.path.clone());
    let mut one = Impersonation { user: user.to_owned(), method, path, ip: deed.ip, first_at: deed.at, last_at: deed.at, count: 1 };
    let mut alike = known.iter().position(|known| known.is_like(&one));
    if alike.is_none() && known.len() >= MAX_DETAILED {
        (one.method, one.path) = (None, None);
        alike = known.iter().position(|known| known.is_like(&one));
    }
    match alike.and_then(|index| known.get_mut(index)) {
        Some(known) => known.absorb(&one),
        None => known.push(one),
    }
}

/// Adds an item; the first without room for more, because most lists stay at one, and isolates hold many.
fn push_exact<T>(list: &mut Vec<T>, item: T) {
    if list.is_empty() {
        list.reserve_exact(1);
    }
    list.push(item);
}

#[cfg(test)]
#[path = "tally_tests.rs"]
mod tests;
