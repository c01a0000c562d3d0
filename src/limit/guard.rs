//! The guard of one subject (a key, an organization) as a pure state machine.
//!
//! In scope: which version is in force and since when, who may have how many tokens for how long, what is refused. Out of
//! scope: the record's meaning, which stays an opaque text here; storage; the wire.

use serde::{Deserialize, Serialize};

use super::{
    lease::{LeaseBook, LeaseId, MAX_TTL_MS, Settlement, by_any_clock},
    rate::RateLimit,
    window::{Quota, Refusal, Window},
};
use crate::base::time::Timestamp;

/// Of what a window still admits, a lease takes at most this part ahead: other edges want some too, and with little left
/// it is nothing.
const SHARE: u32 = 4;

/// A lease of a limited subject lives at most this part of its window, so that what is held unspent is little.
const PART_OF_WINDOW: i64 = 30;

/// A record as the guard keeps it: what it needs to know, and the text that it hands to edges.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Terms {
    /// Grows by one with every change of the record.
    pub version: u64,
    /// Tokens are counted against this; `None` is no limit.
    pub limit: Option<RateLimit>,
    /// The record, or `None` when it was deleted.
    pub record: Option<String>,
}

/// What the guard keeps: the terms in force, since when, the window, and what is out.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Guard {
    terms: Terms,
    in_force_at: Timestamp,
    window: Option<Window>,
    book: LeaseBook,
}

/// What an edge or an admin route asks of a guard.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the sentence of each variant names its fields")]
pub enum Command {
    /// `want` tokens for one request, and a lease of up to `ttl_ms` with up to `ahead` tokens for those that are expected
    /// to follow. The caller has the record in `version_known`. The same message settles what earlier leases spent.
    Acquire { version_known: u64, want: u32, ahead: u32, ttl_ms: u32, settle: Vec<Settlement> },
    /// What a request for `want` tokens would be answered. Nothing is taken.
    Peek { version_known: u64, want: u32, lease_ms: u32 },
    /// What earlier leases spent.
    Settle { settle: Vec<Settlement> },
    /// Tokens that a request was granted and did not use, because another guard refused its part of the charge.
    Release { tokens: u32, granted_at: Timestamp },
    /// A record that the truth now holds. A guard without a memory takes leases of `lease_ms` to be out.
    Adopt { terms: Terms, lease_ms: u32 },
}

/// What a guard hands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Grant {
    /// When, by the guard's clock; to be given back by [`Command::Release`].
    pub granted_at: Timestamp,
    /// The lease; `None` when the grant is of one request and no time.
    pub lease: Option<Lease>,
}

/// What an edge may go by without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lease {
    /// What the guard calls it.
    pub id: LeaseId,
    /// How many tokens it holds, beside those of the request that asked; `None` without a limit.
    pub tokens: Option<u32>,
    /// Its life, counted by the edge from before it asked.
    pub ttl_ms: u32,
}

/// What a guard answers. `newer` are the terms in force, if the caller's record is another version.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the sentence of each variant names its fields")]
pub enum Reply {
    /// The tokens are the caller's, under the terms in force; `quota` is what is left then, `None` without a limit.
    Granted { newer: Option<Terms>, grant: Grant, quota: Option<Quota> },
    /// Not enough tokens; `retry_at` is `None` when there never will be.
    Limited { newer: Option<Terms>, retry_at: Option<Timestamp>, quota: Quota },
    /// The subject was never there.
    Unknown,
    /// What was to be given back or settled is.
    Settled,
    /// The newest terms are in force since `in_force_at` of the guard's clock; whoever waits `wait_ms` by another clock is
    /// past it.
    InForce { version: u64, in_force_at: Timestamp, wait_ms: u32 },
}

impl Command {
    /// Whether it may hand something out: then the state must be durable even if it did not change.
    #[must_use]
    pub fn spends(&self) -> bool {
        matches!(self, Self::Acquire { .. })
    }

    fn version_known(&self) -> Option<u64> {
        match self {
            Self::Acquire { version_known, .. } | Self::Peek { version_known, .. } => Some(*version_known),
            Self::Settle { .. } | Self::Release { .. } | Self::Adopt { .. } => None,
        }
    }

    /// The life of the leases that the caller's like may hold.
    fn lease_ms(&self) -> u32 {
        match self {
            Self::Acquire { ttl_ms, .. } => *ttl_ms,
            Self::Adopt { lease_ms, .. } | Self::Peek { lease_ms, .. } => *lease_ms,
            // There were leases, and of what life nobody says.
            Self::Settle { .. } | Self::Release { .. } => MAX_TTL_MS,
        }
    }
}

impl Guard {
    /// A guard that starts with the terms that the truth holds, `lease_ms` after nobody knows what.
    #[must_use]
    pub fn new(terms: Terms, lease_ms: u32, now: Timestamp) -> Self {
        let window = terms.limit.as_ref().map(Window::new);
        let book = LeaseBook::new(lease_ms.min(MAX_TTL_MS), now);
        Self { terms, in_force_at: book.run_out_at(), window, book }
    }

    /// One step of a guard: what is stored, what the truth said if it was asked, and a command give what is to be stored
    /// and the reply. `None` when neither knows the subject.
    #[must_use]
    pub fn step(stored: Option<Self>, truth: Option<Terms>, command: Command, now: Timestamp) -> Option<(Self, Reply)> {
        let mut guard = match (stored, truth) {
            (Some(mut guard), Some(terms)) => {
                guard.adopt(terms, now);
                guard
            }
            (Some(guard), None) => guard,
            (None, Some(terms)) => Self::new(terms, command.lease_ms(), now),
            (None, None) => return None,
        };
        let reply = guard.apply(command, now);
        Some((guard, reply))
    }

    /// Whether the guard must read the truth before it can answer: the caller knows a newer version than it does.
    #[must_use]
    pub fn is_behind(&self, command: &Command) -> bool {
        command.version_known().is_some_and(|known| known > self.terms.version)
    }

    /// Whether the subject is gone.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.terms.record.is_none()
    }

    /// The record in force; `None` of a subject that is gone.
    #[must_use]
    pub fn record(&self) -> Option<&str> {
        self.terms.record.as_deref()
    }

    /// Applies one command. State and reply belong together: the state must be durable before the reply leaves.
    pub fn apply(&mut self, command: Command, now: Timestamp) -> Reply {
        match command {
            Command::Acquire { version_known, want, ahead, ttl_ms, settle } => {
                self.settle(&settle, now);
                self.acquire(version_known, want, ahead, ttl_ms.min(MAX_TTL_MS), now)
            }
            Command::Peek { version_known, want, .. } => self.peek(version_known, want, now),
            Command::Settle { settle } => {
                self.settle(&settle, now);
                Reply::Settled
            }
            Command::Release { tokens, granted_at } => {
                if let Some(window) = &mut self.window {
                    window.give_back(tokens, granted_at);
                }
                Reply::Settled
            }
            Command::Adopt { terms, lease_ms } => {
                // An edge that has not seen the policy asks without time, and may have been the first after a loss.
                let presumed = self.book.presume(lease_ms.min(MAX_TTL_MS));
                self.in_force_at = self.in_force_at.max(presumed);
                self.adopt(terms, now);
                let wait_ms = u32::try_from(by_any_clock(self.in_force_at.ms() - now.ms())).unwrap_or(u32::MAX);
                Reply::InForce { version: self.terms.version, in_force_at: self.in_force_at, wait_ms }
            }
        }
    }

    fn acquire(&mut self, version_known: u64, want: u32, ahead: u32, ttl_ms: u32, now: Timestamp) -> Reply {
        let newer = self.newer(version_known);
        let (Some(rate), Some(window)) = (&self.terms.limit, &mut self.window) else {
            let lease = (ttl_ms > 0).then(|| Lease { id: self.book.let_out(None, ttl_ms, now).0, tokens: None, ttl_ms });
            return Reply::Granted { newer, grant: Grant { granted_at: now, lease }, quota: None };
        };
        let now = window.effective_now(now);
        // The request's own tokens are spent now; only those for later have to wait for the end of their lease.
        if want > 0
            && let Err(refusal) = window.take(want, rate, now)
        {
            return limited(newer, refusal, window.quota(rate, now));
        }
        let ttl_ms = ttl_ms.min(u32::try_from(rate.window_ms() / PART_OF_WINDOW).unwrap_or(u32::MAX));
        let lease = (ttl_ms > 0).then(|| {
            let left = window.quota(rate, now).remaining;
            let tokens = if self.book.has_room(now) { ahead.min(left / SHARE) } else { 0 };
            let (id, until) = self.book.let_out(Some(tokens).filter(|tokens| *tokens > 0), ttl_ms, now);
            let kept = window.take_until(tokens, rate, now, until);
            Lease { id, tokens: Some(if kept.is_ok() { tokens } else { 0 }), ttl_ms }
        });
        let quota = window.quota(rate, now);
        Reply::Granted { newer, grant: Grant { granted_at: now, lease }, quota: Some(quota) }
    }

    fn peek(&self, version_known: u64, want: u32, now: Timestamp) -> Reply {
        let newer = self.newer(version_known);
        let grant = Grant { granted_at: now, lease: None };
        let (Some(rate), Some(window)) = (&self.terms.limit, &self.window) else {
            return Reply::Granted { newer, grant, quota: None };
        };
        let quota = window.quota(rate, now);
        match window.clone().take(want, rate, now) {
            Ok(()) => Reply::Granted { newer, grant, quota: Some(quota) },
            Err(refusal) => limited(newer, refusal, quota),
        }
    }

    fn settle(&mut self, settlements: &[Settlement], now: Timestamp) {
        for Settlement { lease, spent } in settlements {
            if let (Some((tokens, until)), Some(window)) = (self.book.strike(*lease), &mut self.window) {
                window.settle(tokens, *spent, until, now);
            }
        }
    }

    fn newer(&self, version_known: u64) -> Option<Terms> {
        (version_known != self.terms.version).then(|| self.terms.clone())
    }

    /// INVARIANT: versions never go back. A record that arrives late, whatever delayed it, changes nothing. And nothing is
    /// in force while somebody may still go by a lease of what was before.
    fn adopt(&mut self, terms: Terms, now: Timestamp) {
        if terms.version <= self.terms.version {
            return;
        }
        self.window = match (self.window.take(), &terms.limit) {
            (Some(window), Some(rate)) => Some(window.under(rate)),
            (None, Some(rate)) => Some(Window::new(rate)),
            (_, None) => {
                self.book.forget_tokens();
                None
            }
        };
        self.terms = terms;
        self.in_force_at = self.book.run_out_at().max(now);
    }
}

fn limited(newer: Option<Terms>, refusal: Refusal, quota: Quota) -> Reply {
    let retry_at = match refusal {
        Refusal::Until(moment) => Some(moment),
        Refusal::Never => None,
    };
    Reply::Limited { newer, retry_at, quota }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
