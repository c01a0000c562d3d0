//! The exact sliding window: in no span of the window's length are more tokens admitted than the limit.
//!
//! A ring of at most 62 buckets, each a sixtieth of the window. All tokens of a bucket are dated to the **last** of
//! them, so each occupies the window for at least its whole length and at most one sixtieth longer: the error is on the
//! safe side, the memory is constant, and nobody is told to wait for longer than the window.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::rate::RateLimit;
use crate::base::time::Timestamp;

const BUCKETS_PER_WINDOW: i64 = 60;

/// Tokens that occupy the window, by the bucket they were spent in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Length of the window in milliseconds.
    window_ms: i64,
    /// `(when the last of them was taken, tokens)`, oldest first, one for each sixtieth of the window.
    buckets: VecDeque<(i64, u32)>,
}

/// What a window says of itself at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// Why tokens were not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
        Self { window_ms: rate.window_ms(), buckets: VecDeque::new() }
    }

    /// This window under another rate. Tokens stay dated where they were, never earlier.
    #[must_use]
    pub fn under(self, rate: &RateLimit) -> Self {
        if rate.window_ms() == self.window_ms {
            return self;
        }
        let mut next = Self::new(rate);
        for (last_ms, tokens) in &self.buckets {
            next.add(*last_ms, *tokens);
        }
        next
    }

    /// Takes `tokens`, or says when they can be had.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was taken.
    pub fn take(&mut self, tokens: u32, rate: &RateLimit, now: Timestamp) -> Result<(), Refusal> {
        let now_ms = self.forget_past(now);
        let needed = (self.occupied() + u64::from(tokens)).saturating_sub(u64::from(rate.limit));
        if needed > 0 {
            return Err(self.refusal(needed));
        }
        self.add(now_ms, tokens);
        Ok(())
    }

    /// Gives back up to `tokens` that were taken at `taken_at` and not spent.
    pub fn give_back(&mut self, tokens: u32, taken_at: Timestamp) {
        let bucket_ms = self.bucket_ms();
        let bucket = taken_at.ms().div_euclid(bucket_ms);
        if let Some((_, taken)) = self.buckets.iter_mut().find(|(last_ms, _)| last_ms.div_euclid(bucket_ms) == bucket) {
            *taken = taken.saturating_sub(tokens);
        }
        self.buckets.retain(|(_, taken)| *taken > 0);
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
        let newest_ms = self.buckets.back().map_or(i64::MIN, |(last_ms, _)| *last_ms);
        Timestamp::from_ms(now.ms().max(newest_ms))
    }

    /// Drops what no longer occupies the window and returns the time that counts.
    fn forget_past(&mut self, now: Timestamp) -> i64 {
        let now_ms = self.effective_now(now).ms();
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

    fn add(&mut self, now_ms: i64, tokens: u32) {
        let bucket_ms = self.bucket_ms();
        match self.buckets.back_mut() {
            Some((last_ms, taken)) if last_ms.div_euclid(bucket_ms) == now_ms.div_euclid(bucket_ms) => {
                *last_ms = now_ms;
                *taken = taken.saturating_add(tokens);
            }
            _ => self.buckets.push_back((now_ms, tokens)),
        }
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
