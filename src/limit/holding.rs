//! What an edge holds of one subject: a lease, what it spent of it, what it was refused.
//!
//! In scope: when the edge may go by what it holds, when to ask for more and for how much. Out of scope: the guard's side,
//! see `lease` and `guard`; how a question travels. Time is an argument and only differences of it count: the edge's clock
//! need not agree with anybody's.

use super::{
    guard::{Grant, Lease},
    lease::{LeaseId, Settlement},
    window::Quota,
};
use crate::base::time::Timestamp;

/// A lease is renewed when this part of its life is left, so that a busy subject never waits …
const RENEWAL_PART: i64 = 10;

/// … or when this part of its tokens is.
const LOW_TOKENS_PART: u32 = 4;

/// However still the clock stands, a lease is good for this many requests.
const MAX_USES: u32 = 100_000;

/// Demand is measured over at least this long, and at most so many tokens are asked for ahead.
const MIN_MEASURED_MS: i64 = 250;
const MAX_AHEAD: i64 = 100_000;

/// An edge has gone quiet when nobody has asked for this long: it gives up what it holds.
const QUIET_MS: i64 = 3_000;

/// With a lease that lives longer it is for as long as that, and for this long at most: else whoever is asked for less often
/// would have no use of it. Tokens are not held so long; others may want them.
const LONG_QUIET_MS: i64 = 10_000;

/// For so long, whoever plans to settle is relied on: the platform ends what goes on after an answer at 30 s.
const SETTLING_MS: i64 = 30_000;

/// A question that has not come back after this long is not waited for.
const PATIENCE_MS: i64 = 6_000;

/// A refusal is believed for this part of the window, and never for longer than this: tokens may come back early, and the
/// limit may be raised.
const REFUSAL_PART: i64 = 60;
const MAX_BELIEVED_MS: i64 = 1_000;

/// What an edge holds of one subject.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Holding {
    held: Option<Held>,
    /// Leases that are no longer gone by, until the guard has heard what was spent of them. An isolate has many holdings,
    /// and few of them have such: those are held elsewhere, and so are refusals.
    #[expect(clippy::box_collection, reason = "a third of the memory, where there is nothing")]
    unsettled: Option<Box<Vec<Settlement>>>,
    refused: Option<Box<Refused>>,
    /// Whether the answer is still to come.
    is_asking: bool,
    /// When the guard was last asked, whatever came of it.
    asked_at: Option<Timestamp>,
    /// When somebody last asked for tokens, whatever came of it.
    used_at: Option<Timestamp>,
    /// Until when somebody is at it to settle.
    settling_until: Option<Timestamp>,
    demand: Demand,
}

/// A lease that may be gone by. Without gaps beside it: an isolate holds many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(Rust, packed(4))]
struct Held {
    id: LeaseId,
    tokens: Option<u32>,
    ttl_ms: u32,
    /// From before it was asked for: the guard counts from later.
    from: Timestamp,
    spent: u32,
    uses: u32,
    quota: Option<Quota>,
}

/// What the guard refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Refused {
    at: Timestamp,
    believed_ms: i64,
    /// As many tokens, or more.
    tokens: u32,
    retry_at: Option<Timestamp>,
    quota: Quota,
}

/// Tokens that were asked for since some moment, whatever came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Demand {
    since: Option<Timestamp>,
    tokens: u32,
}

/// What a request finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Found {
    /// It can go by the lease; what would be left of the limit after it took nothing.
    Held(Option<Quota>),
    /// The guard has just refused as much.
    Refused {
        /// When to come back; `None` is never.
        retry_at: Option<Timestamp>,
        /// What is left.
        quota: Quota,
    },
    /// The guard must be asked.
    Nothing,
}

impl Holding {
    /// What the holding says to a request for `tokens`.
    #[must_use]
    pub fn find(&self, tokens: u32, now: Timestamp) -> Found {
        let good = self.held.as_ref().filter(|held| held.is_good(now));
        if let Some(held) = good.filter(|held| held.left().is_none_or(|left| tokens <= left)) {
            return Found::Held(held.quota());
        }
        match &self.refused {
            Some(refused) if refused.says_no(tokens, now) => Found::Refused { retry_at: refused.retry_at, quota: refused.quota },
            _ => Found::Nothing,
        }
    }

    /// Takes tokens that [`Holding::find`] found.
    pub fn spend(&mut self, tokens: u32, now: Timestamp) {
        self.note_demand(tokens, now);
        if let Some(held) = &mut self.held {
            held.spent = held.spent.saturating_add(tokens);
            held.uses = held.uses.saturating_add(1);
        }
    }

    /// Notes a request that has to ask the guard itself.
    pub fn note_demand(&mut self, tokens: u32, now: Timestamp) {
        self.used_at = Some(now);
        self.demand.note(tokens, now);
    }

    /// Whether somebody should ask for another lease, before this one is used up.
    #[must_use]
    pub fn wants_renewal(&self, now: Timestamp) -> bool {
        // Where next to nothing is left to be had, asking at every request would not bring more.
        let due = |held: &Held| self.asked_at.is_none_or(|at| now >= at.plus_ms(i64::from(held.ttl_ms) / RENEWAL_PART));
        self.answer_by(now).is_none() && self.held.as_ref().is_some_and(|held| held.is_good(now) && held.is_nearly_over(now) && due(held))
    }

    /// Somebody asks: how many tokens to ask for ahead, and what to settle by the same message.
    pub fn begin_asking(&mut self, ttl_ms: u32, now: Timestamp) -> (u32, Vec<Settlement>) {
        self.is_asking = true;
        self.asked_at = Some(now);
        self.retire_if_over(now);
        (self.demand.forecast(ttl_ms, now), self.take_unsettled())
    }

    /// The guard granted; `asked_at` is from before it was asked.
    pub fn granted(&mut self, grant: &Grant, quota: Option<Quota>, asked_at: Timestamp) {
        self.is_asking = false;
        self.refused = None;
        let Some(Lease { id, tokens, ttl_ms }) = grant.lease else { return };
        let next = Held { id, tokens, ttl_ms, from: asked_at, spent: 0, uses: 0, quota };
        // Of two that were asked for at once, the richer one is kept.
        let poorer = self.held.as_ref().is_some_and(|held| held.is_good(asked_at) && held.left() > next.left());
        if poorer {
            self.owe(next.settlement());
        } else {
            self.retire();
            self.held = Some(next);
        }
    }

    /// The guard refused as many tokens.
    pub fn refused(&mut self, tokens: u32, retry_at: Option<Timestamp>, quota: Quota, asked_at: Timestamp) {
        self.is_asking = false;
        self.refused = Some(Box::new(Refused { at: asked_at, believed_ms: believed_ms(&quota), tokens, retry_at, quota }));
    }

    /// The guard did not answer. What was to be settled is settled by a later message; if it was, nothing is done twice.
    pub fn unanswered(&mut self, settle: Vec<Settlement>) {
        self.is_asking = false;
        self.owe(settle);
    }

    /// Stops going by the lease: somebody knows that its record has changed.
    pub fn let_go(&mut self) {
        self.retire();
        self.refused = None;
    }

    /// Whether somebody has to see to it that what is held is settled: there is something, or `owes` says so, and nobody is
    /// at it. Whoever asks is.
    pub fn plan_settlement(&mut self, owes: bool, now: Timestamp) -> bool {
        let at_it = self.settling_until.is_some_and(|until| (until.plus_ms(-SETTLING_MS)..until).contains(&now));
        let needed = owes || self.unsettled.is_some() || self.held.as_ref().is_some_and(|held| held.settlement().is_some());
        if needed && !at_it {
            self.settling_until = Some(now.plus_ms(SETTLING_MS));
        }
        needed && !at_it
    }

    /// In how many milliseconds it is time to settle: when the edge has been quiet for a while, or when a lease with
    /// tokens is over that nobody renewed. Not while somebody asks: who has settled decides nothing by what comes then.
    #[must_use]
    pub fn settles_in(&self, now: Timestamp) -> u32 {
        let quiet_at = self.used_at.map_or(now, |at| at.plus_ms(self.quiet_ms()));
        if let Some(answer_by) = self.answer_by(now) {
            return wait_ms(quiet_at.max(answer_by), now);
        }
        let over_at = self.held.as_ref().filter(|held| held.settlement().is_some()).map_or(quiet_at, Held::until);
        wait_ms(quiet_at.min(over_at), now)
    }

    /// Whether nobody is at work: for whoever cannot wait any longer.
    #[must_use]
    pub fn rests(&self, now: Timestamp) -> bool {
        self.answer_by(now).is_none() && self.used_at.is_none_or(|at| now >= at.plus_ms(QUIET_MS))
    }

    /// Notes that somebody asked at that time: of a subject that was not known then, nothing could be noted.
    pub fn note_use(&mut self, asked_at: Timestamp) {
        self.used_at = self.used_at.max(Some(asked_at));
    }

    fn quiet_ms(&self) -> i64 {
        let timely = self.held.as_ref().filter(|held| held.settlement().is_none());
        timely.map_or(QUIET_MS, |held| i64::from(held.ttl_ms).clamp(QUIET_MS, LONG_QUIET_MS))
    }

    /// Gives up what is held: what there is to settle.
    pub fn give_up(&mut self) -> Vec<Settlement> {
        self.let_go();
        self.take_unsettled()
    }

    /// Whoever was to settle is done.
    pub fn settled(&mut self) {
        self.settling_until = None;
    }

    /// Until when the answer to somebody's question is waited for.
    fn answer_by(&self, now: Timestamp) -> Option<Timestamp> {
        self.asked_at.filter(|_| self.is_asking).map(|since| since.plus_ms(PATIENCE_MS)).filter(|until| now < *until)
    }

    fn retire_if_over(&mut self, now: Timestamp) {
        if self.held.as_ref().is_some_and(|held| !held.is_good(now)) {
            self.retire();
        }
    }

    fn retire(&mut self) {
        let settlement = self.held.take().and_then(|held| held.settlement());
        self.owe(settlement);
    }

    fn owe(&mut self, settle: impl IntoIterator<Item = Settlement>) {
        settle.into_iter().for_each(|settlement| self.unsettled.get_or_insert_default().push(settlement));
    }

    fn take_unsettled(&mut self) -> Vec<Settlement> {
        self.unsettled.take().map_or_else(Vec::new, |unsettled| *unsettled)
    }
}

/// For how long an edge refuses by a refusal of its guard's.
#[must_use]
pub fn believed_ms(quota: &Quota) -> i64 {
    (i64::from(quota.window_seconds) * 1000 / REFUSAL_PART).min(MAX_BELIEVED_MS)
}

/// How long it is until then. A clock that went back is not waited for.
fn wait_ms(moment: Timestamp, now: Timestamp) -> u32 {
    u32::try_from((moment.ms() - now.ms()).clamp(0, QUIET_MS)).unwrap_or(0)
}

impl Held {
    fn until(&self) -> Timestamp {
        self.from.plus_ms(self.ttl_ms.into())
    }

    /// A clock that went back proves nothing.
    fn is_good(&self, now: Timestamp) -> bool {
        (self.from..self.until()).contains(&now) && self.uses < MAX_USES
    }

    fn is_nearly_over(&self, now: Timestamp) -> bool {
        let ttl_ms = i64::from(self.ttl_ms);
        let old = self.until().ms() - now.ms() <= ttl_ms / RENEWAL_PART;
        let low = self.tokens.zip(self.left()).is_some_and(|(all, left)| all > 0 && left <= all / LOW_TOKENS_PART);
        old || low || self.uses > MAX_USES / 2
    }

    /// What its guard has to hear; nothing of a lease without tokens.
    fn settlement(&self) -> Option<Settlement> {
        self.tokens.filter(|tokens| *tokens > 0).map(|_| Settlement { lease: self.id, spent: self.spent })
    }

    fn left(&self) -> Option<u32> {
        self.tokens.map(|tokens| tokens.saturating_sub(self.spent))
    }

    /// What the guard had left when it granted, and what is left of the lease.
    fn quota(&self) -> Option<Quota> {
        let left = self.left().unwrap_or(0);
        self.quota.map(|quota| quota.with_back(left))
    }
}

impl Refused {
    fn says_no(&self, tokens: u32, now: Timestamp) -> bool {
        tokens >= self.tokens && (self.at..self.at.plus_ms(self.believed_ms)).contains(&now)
    }
}

impl Demand {
    fn note(&mut self, tokens: u32, now: Timestamp) {
        self.since.get_or_insert(now);
        self.tokens = self.tokens.saturating_add(tokens);
    }

    /// The tokens of one lease's life, if it goes on like this. The measurement starts anew.
    fn forecast(&mut self, ttl_ms: u32, now: Timestamp) -> u32 {
        let Demand { since, tokens } = std::mem::take(self);
        let Some(since) = since else { return 0 };
        let measured_ms = (now.ms() - since.ms()).max(MIN_MEASURED_MS);
        let expected = i64::from(tokens) * i64::from(ttl_ms) / measured_ms * 5 / 4;
        u32::try_from(expected.clamp(0, MAX_AHEAD)).unwrap_or(0)
    }
}

#[cfg(test)]
#[path = "holding_tests.rs"]
mod tests;
