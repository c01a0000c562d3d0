//! The exact sliding window: in no span of the window's length are more tokens admitted than the limit.
//!
//! A ring of buckets, each a sixtieth of the window. All tokens of a bucket are dated to the **last** of them, so each
//! occupies the window for at least its whole length and at most one sixtieth longer: the error is on the safe side, and
//! the memory is constant.
//!
//! A leased token is dated to the end of its lease, the last moment at which it can be spent, until its holder says when
//! it was. So whatever span holds its spending, it occupied the window from its grant until after that span, and all tokens
//! of a span occupied it together when the last of them was granted: there can be no more of them than the limit.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::rate::RateLimit;
use crate::base::time::Timestamp;

const BUCKETS_PER_WINDOW: i64 = 60;

/// Tokens that occupy the window, by the bucket they were spent in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    /// Length of the window in milliseconds.
    window_ms: i64,
    /// The latest time that was seen: a clock that went back counts as standing still.
    latest_ms: i64,
    /// `(the last moment at which one of them was or can be spent, tokens)`, oldest first, one for each sixtieth of the
    /// window. Those of leases lie ahead.
    buckets: VecDeque<(i64, u32)>,
}

/// What a window says of itself at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Quota {
    /// Tokens that the window admits.
    pub limit: u32,
    /// Its length in seconds.
    pub window_seconds: u32,
    /// Tokens that could be taken now.
    pub remaining: u32,
    /// When the next tokens come back; now, if none is out.
    pub reset_at: Timestamp,
}

impl Quota {
    /// The same with so many tokens more to be taken, never beyond the limit.
    #[must_use]
    pub fn with_back(self, tokens: u32) -> Self {
        Self { remaining: self.remaining.saturating_add(tokens).min(self.limit), ..self }
    }
}

/// Why tokens were not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// They can be taken at this moment, if nobody else takes them before.
    Until(Timestamp),
    /// More than the limit was asked for: waiting does not help.
    Never,
}

impl Window {
    /// An empty window for `rate`.
    #[must_use]
    pub fn new(rate: &RateLimit) -> Self {
        Self { window_ms: rate.window_ms(), latest_ms: i64::MIN, buckets: VecDeque::new() }
    }

    /// This window under another rate. Tokens stay dated where they were, never earlier.
    #[must_use]
    pub fn under(self, rate: &RateLimit) -> Self {
        if rate.window_ms() == self.window_ms {
            return self;
        }
        let mut next = Self { latest_ms: self.latest_ms, ..Self::new(rate) };
        for (last_ms, tokens) in &self.buckets {
            next.add(*last_ms, *tokens);
        }
        next
    }

    /// Takes `tokens` that are spent now, or says when they can be had.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was taken.
    pub fn take(&mut self, tokens: u32, rate: &RateLimit, now: Timestamp) -> Result<(), Refusal> {
        self.take_until(tokens, rate, now, now)
    }

    /// Takes `tokens` that can be spent until `until`, which is not before `now`.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was taken.
    pub fn take_until(&mut self, tokens: u32, rate: &RateLimit, now: Timestamp, until: Timestamp) -> Result<(), Refusal> {
        let now_ms = self.forget_past(now);
        let needed = (self.occupied() + u64::from(tokens)).saturating_sub(u64::from(rate.limit));
        if needed > 0 {
            return Err(self.refusal(needed));
        }
        self.add(until.ms().max(now_ms), tokens);
        Ok(())
    }

    /// Of `tokens` that were taken until `until`, `spent` were spent, by `now` at the latest; the others come back.
    pub fn settle(&mut self, tokens: u32, spent: u32, until: Timestamp, now: Timestamp) {
        let now_ms = self.forget_past(now);
        let taken = self.remove(tokens, until.ms());
        self.add(until.ms().min(now_ms), spent.min(taken));
    }

    /// Gives back up to `tokens` that were taken at `taken_at` and not spent.
    pub fn give_back(&mut self, tokens: u32, taken_at: Timestamp) {
        self.remove(tokens, taken_at.ms());
    }

    /// What could be taken at `now`.
    #[must_use]
    pub fn quota(&self, rate: &RateLimit, now: Timestamp) -> Quota {
        let mut current = self.clone();
        let now_ms = current.forget_past(now);
        let occupied = u32::try_from(current.occupied()).unwrap_or(u32::MAX);
        let reset_ms = current.buckets.front().map_or(now_ms, |(last_ms, _)| current.freed_ms(*last_ms));
        Quota {
            limit: rate.limit,
            window_seconds: rate.window_seconds,
            remaining: rate.limit.saturating_sub(occupied),
            reset_at: Timestamp::from_ms(reset_ms),
        }
    }

    /// When a token taken at `now` was really taken: a clock that went back counts as standing still.
    #[must_use]
    pub fn effective_now(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_ms(now.ms().max(self.latest_ms))
    }

    /// Drops what no longer occupies the window and returns the time that counts.
    fn forget_past(&mut self, now: Timestamp) -> i64 {
        let now_ms = self.effective_now(now).ms();
        self.latest_ms = now_ms;
        while self.buckets.front().is_some_and(|(last_ms, _)| self.freed_ms(*last_ms) <= now_ms) {
            self.buckets.pop_front();
        }
        now_ms
    }

    fn refusal(&self, mut needed: u64) -> Refusal {
        for (last_ms, tokens) in &self.buckets {
            needed = needed.saturating_sub((*tokens).into());
            if needed == 0 {
                return Refusal::Until(Timestamp::from_ms(self.freed_ms(*last_ms)));
            }
        }
        Refusal::Never
    }

    fn add(&mut self, at_ms: i64, tokens: u32) {
        if tokens == 0 {
            return;
        }
        let bucket = self.bucket(at_ms);
        let place = self.buckets.iter().rposition(|(last_ms, _)| self.bucket(*last_ms) <= bucket);
        let bucket_ms = self.bucket_ms();
        match place.and_then(|index| self.buckets.get_mut(index)) {
            Some((last_ms, taken)) if last_ms.div_euclid(bucket_ms) == bucket => {
                *last_ms = at_ms.max(*last_ms);
                *taken = taken.saturating_add(tokens);
            }
            Some(_) | None => self.buckets.insert(place.map_or(0, |index| index + 1), (at_ms, tokens)),
        }
    }

    /// Takes up to `tokens` out of the bucket of that moment, and says how many were there.
    fn remove(&mut self, tokens: u32, at_ms: i64) -> u32 {
        let bucket = self.bucket(at_ms);
        let Some(index) = self.buckets.iter().position(|(last_ms, _)| self.bucket(*last_ms) == bucket) else { return 0 };
        let Some((_, taken)) = self.buckets.get_mut(index) else { return 0 };
        let removed = tokens.min(*taken);
        *taken -= removed;
        if *taken == 0 {
            self.buckets.remove(index);
        }
        removed
    }

    fn bucket(&self, at_ms: i64) -> i64 {
        at_ms.div_euclid(self.bucket_ms())
    }

    fn occupied(&self) -> u64 {
        self.buckets.iter().map(|(_, tokens)| u64::from(*tokens)).sum()
    }

    /// Rounded up, so that sixty buckets cover at least the window.
    fn bucket_ms(&self) -> i64 {
        (self.window_ms + BUCKETS_PER_WINDOW - 1) / BUCKETS_PER_WINDOW
    }

    /// The first millisecond at which no token taken up to `last_ms` is within a window that ends there.
    fn freed_ms(&self, last_ms: i64) -> i64 {
        last_ms + self.window_ms
    }
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
