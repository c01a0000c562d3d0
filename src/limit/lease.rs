//! What a guard has let out of its hands: leases, and until when somebody may still go by them.
//!
//! In scope: the guard's side of leases. Out of scope: what an edge does with one, see `holding`.

use serde::{Deserialize, Serialize};

use crate::base::time::Timestamp;

/// The longest life of a lease in milliseconds.
pub const MAX_TTL_MS: u32 = 30_000;

/// How many leases of tokens may be out at once; whoever comes then gets time, but no tokens ahead.
const MAX_OUT: usize = 256;

/// How long after its end a lease's tokens can still be settled. Once they are
/// forgotten they count as spent.
const GRACE_MS: i64 = 10_000;

/// Clocks run faster or slower than the guard's by at most a twentieth: what takes `n` by one that is too slow takes up to
/// `n + n / 19` by the guard's, and what takes `n` by the guard's takes up to `n + n / 20` by one that is too fast. Below
/// that, timers are this coarse.
const SLOW_DIVISOR: i64 = 19;
const FAST_DIVISOR: i64 = 20;
const COARSENESS_MS: i64 = 50;

/// Names a lease to the guard that granted it.
pub type LeaseId = u64;

/// What became of a lease: of its tokens, so many were spent. The others come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Settlement {
    /// Which lease.
    pub lease: LeaseId,
    /// How many of its tokens were spent.
    pub spent: u32,
}

/// A lease of tokens that is not settled yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Out {
    id: LeaseId,
    tokens: u32,
    until: Timestamp,
}

/// All that a guard has let out.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LeaseBook {
    /// The next lease's id. Never used twice, not even by a guard that lost its storage: it starts from the time.
    next: LeaseId,
    /// What was granted before is not in the book.
    since: Timestamp,
    /// From then on, nobody goes by what was granted until now.
    run_out_at: Timestamp,
    out: Vec<Out>,
}

impl LeaseBook {
    /// The book of a guard without a memory: for all it knows, leases of that life were granted just before.
    #[must_use]
    pub fn new(ttl_ms: u32, now: Timestamp) -> Self {
        Self { next: now.unsigned_ms().saturating_mul(1000), since: now, run_out_at: end(ttl_ms, now), out: Vec::new() }
    }

    /// Whoever began the book may have been told of shorter leases than those that were out: they live up to `ttl_ms`. The
    /// moment is the last at which one of those from before the book may be gone by.
    pub fn presume(&mut self, ttl_ms: u32) -> Timestamp {
        let presumed = end(ttl_ms, self.since);
        self.run_out_at = self.run_out_at.max(presumed);
        presumed
    }

    /// From when on nobody goes by anything that was granted so far.
    #[must_use]
    pub fn run_out_at(&self) -> Timestamp {
        self.run_out_at
    }

    /// Whether another lease of tokens can be kept track of.
    #[must_use]
    pub fn has_room(&mut self, now: Timestamp) -> bool {
        self.out.retain(|out| now < out.until.plus_ms(GRACE_MS));
        self.out.len() < MAX_OUT
    }

    /// Notes a lease; `tokens` is `None` without a limit, where time is all that is granted. The moment is the last at
    /// which its holder may go by it.
    pub fn let_out(&mut self, tokens: Option<u32>, ttl_ms: u32, now: Timestamp) -> (LeaseId, Timestamp) {
        let (id, until) = (self.next, end(ttl_ms, now));
        self.next += 1;
        self.run_out_at = self.run_out_at.max(until);
        if let Some(tokens) = tokens {
            self.out.push(Out { id, tokens, until });
        }
        (id, until)
    }

    /// Strikes a lease off: its tokens and its end. `None` for one that is settled or forgotten: whoever repeats a
    /// settlement changes nothing.
    pub fn strike(&mut self, lease: LeaseId) -> Option<(u32, Timestamp)> {
        let index = self.out.iter().position(|out| out.id == lease)?;
        let Out { tokens, until, .. } = self.out.swap_remove(index);
        Some((tokens, until))
    }

    /// Forgets all tokens that are out, because there is nothing any more that they count against.
    pub fn forget_tokens(&mut self) {
        self.out.clear();
    }
}

/// The last moment, by the guard's clock, at which the holder of a lease granted now may go by it. The holder counts from
/// before it asked, so by its own clock it stops earlier; the margin is for the difference of the clocks.
fn end(ttl_ms: u32, now: Timestamp) -> Timestamp {
    if ttl_ms == 0 {
        return now;
    }
    let ttl = i64::from(ttl_ms);
    now.plus_ms(ttl + ttl / SLOW_DIVISOR + COARSENESS_MS)
}

/// How long whoever waits for `ms` of the guard's clock has to wait by a clock of its own, which may run faster.
#[must_use]
pub fn by_any_clock(ms: i64) -> i64 {
    let ms = ms.max(0);
    ms + (ms + FAST_DIVISOR - 1) / FAST_DIVISOR
}

/// The longest that somebody with a clock of its own may have to wait for a lease to run out: for one of the longest life.
#[must_use]
pub fn longest_wait_ms() -> u32 {
    let start = Timestamp::from_ms(0);
    u32::try_from(by_any_clock(end(MAX_TTL_MS, start).ms())).unwrap_or(u32::MAX)
}
