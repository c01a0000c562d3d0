//! One request's claim on the tokens of its key and of its organization: all or nothing.
//!
//! Each part comes from a lease that is held, or from its guard. Guards are asked at once. Whatever the outcome, no token
//! of one stays taken when the other did not give its own; what a guard that failed may have done is unknown, and counts
//! as spent.

use std::rc::Rc;

use futures_util::future::join;

use super::{
    failure::Failure,
    inquiry::{self, Answer, Outcome, Question},
    shelf::{Guarded, Shelf},
};
use crate::{
    base::time::Timestamp,
    decision::verdict::Denial,
    limit::{holding::Found, window::Quota},
    ports::{Outage, Ports},
};

/// One subject's part of a claim.
pub struct Part<R: Guarded> {
    shelf: Shelf<R>,
    id: R::Id,
    /// The record that is gone by; `None` while none was ever seen, or when the subject is gone.
    pub record: Option<Rc<R>>,
    /// What is left of the subject's limit; `None` without one.
    pub quota: Option<Quota>,
    state: State,
}

/// Where a part's tokens are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In a lease; they are taken when all parts are there.
    Held,
    /// Taken, so many, at that moment of the guard's clock. Of a look, none.
    Granted(u32, Timestamp),
    /// Not to be had; when to come back, if ever.
    Limited(Option<Timestamp>),
    /// The subject is gone, or never was.
    Gone,
}

impl<R: Guarded> Part<R> {
    /// The part of the subject, by what is held if that is enough, else by its guard.
    ///
    /// # Errors
    /// When the guard has to be asked and does not answer.
    pub async fn of(ports: &Ports, shelf: &Shelf<R>, id: &R::Id, known: Option<Rc<R>>, question: Question) -> Result<Self, Failure> {
        let part = |record, quota, state| Self { shelf: shelf.clone(), id: id.clone(), record, quota, state };
        // Without time nothing is held, and a look is not told what the edge could still spend.
        let leased = question.ttl_ms > 0 && !question.peek && known.is_some();
        let found = if leased { shelf.find(id, question.want, ports.clock.now()) } else { Found::Nothing };
        Ok(match found {
            Found::Held(quota) => part(known, quota, State::Held),
            Found::Refused { retry_at, quota } => part(known, Some(quota), State::Limited(retry_at)),
            Found::Nothing => {
                if !question.peek {
                    shelf.watch(ports, id);
                }
                // On the heap: requests that go by a lease would carry, and move, the room that this takes.
                let Answer { record, outcome, quota } = Box::pin(inquiry::ask(ports, shelf, id, known, question)).await?;
                let state = match (&record, outcome) {
                    (None, _) | (_, Outcome::Unknown) => State::Gone,
                    (Some(_), Outcome::Granted(at)) => State::Granted(if question.peek { 0 } else { question.want }, at),
                    (Some(_), Outcome::Limited(retry_at)) => State::Limited(retry_at),
                };
                part(record, quota, state)
            }
        })
    }

    /// Whether the subject is gone, or never was.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.state == State::Gone
    }

    /// Whether a refusal was remembered or told.
    fn limited(&self) -> Option<Option<Timestamp>> {
        match self.state {
            State::Limited(retry_at) => Some(retry_at),
            State::Held | State::Granted(..) | State::Gone => None,
        }
    }

    /// Whether the tokens are there at this moment: a lease may have run out while another guard was asked.
    fn is_there(&self, tokens: u32, now: Timestamp) -> bool {
        match self.state {
            State::Granted(..) => true,
            State::Held => matches!(self.shelf.find(&self.id, tokens, now), Found::Held(_)),
            State::Limited(_) | State::Gone => false,
        }
    }

    /// Takes what is held; what was granted is taken already.
    fn spend(&mut self, tokens: u32, now: Timestamp) {
        if self.state == State::Held {
            self.shelf.with(&self.id, |holding| holding.spend(tokens, now));
            self.quota = self.quota.map(|quota| Quota { remaining: quota.remaining.saturating_sub(tokens), ..quota });
        }
    }

    /// Gives back what was granted.
    async fn release(&mut self, ports: &Ports) -> Result<(), Outage> {
        let State::Granted(tokens, granted_at) = self.state else { return Ok(()) };
        if tokens == 0 || self.quota.is_none() {
            return Ok(());
        }
        inquiry::release::<R>(ports, &self.id, tokens, granted_at).await?;
        self.state = State::Granted(0, granted_at);
        self.quota = self.quota.map(|quota| quota.with_back(tokens));
        Ok(())
    }
}

/// Both parts at once.
///
/// # Errors
/// When one of them cannot be had; what the other was granted goes back.
pub async fn both<K: Guarded, O: Guarded>(
    ports: &Ports,
    key: impl Future<Output = Result<Part<K>, Failure>>,
    org: impl Future<Output = Result<Part<O>, Failure>>,
) -> Result<(Part<K>, Part<O>), Failure> {
    match join(key, org).await {
        (Ok(key), Ok(org)) => Ok((key, org)),
        (Err(failure), Ok(mut org)) => {
            let _ = org.release(ports).await;
            Err(failure)
        }
        (Ok(mut key), Err(failure)) => {
            let _ = key.release(ports).await;
            Err(failure)
        }
        (Err(failure), Err(_)) => Err(failure),
    }
}

/// What became of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// All tokens were taken.
    Taken,
    /// None were: there are not enough.
    Refused(Denial),
    /// None were: a lease ran out meanwhile. Ask again.
    TooLate,
}

/// Takes the tokens of both parts, or of neither.
///
/// # Errors
/// When what has to go back cannot: then there is no decision.
pub async fn take<K: Guarded, O: Guarded>(ports: &Ports, key: &mut Part<K>, org: &mut Part<O>, tokens: u32) -> Result<Claimed, Failure> {
    let now = ports.clock.now();
    if key.is_there(tokens, now) && org.is_there(tokens, now) {
        // Nothing is awaited between the look and the taking.
        key.spend(tokens, now);
        org.spend(tokens, now);
        return Ok(Claimed::Taken);
    }
    give_back(ports, key, org).await?;
    let waits: Vec<Option<Timestamp>> = [key.limited(), org.limited()].into_iter().flatten().collect();
    Ok(if waits.is_empty() { Claimed::TooLate } else { Claimed::Refused(longest(&waits, now)) })
}

/// Gives back whatever was granted.
///
/// # Errors
/// When a guard does not answer.
pub async fn give_back<K: Guarded, O: Guarded>(ports: &Ports, key: &mut Part<K>, org: &mut Part<O>) -> Result<(), Outage> {
    key.release(ports).await?;
    org.release(ports).await
}

/// The longest of the waits; one without an end is for ever.
fn longest(waits: &[Option<Timestamp>], now: Timestamp) -> Denial {
    let ms = |moment: Timestamp| u64::try_from(moment.ms() - now.ms()).unwrap_or(0).max(1);
    let all: Option<Vec<u64>> = waits.iter().map(|wait| wait.map(ms)).collect();
    Denial::RateLimited { retry_after_ms: all.and_then(|waits| waits.into_iter().max()) }
}
