//! The guard of one subject (a key, an organization) as a pure state machine.
//!
//! In scope: which version is in force, who may have how many tokens, what is refused. Out of scope: the record's
//! meaning, which stays an opaque text here; storage; the wire. A lease is of one request and no time: it is spent when
//! it is granted, so a change is in force the moment the guard adopts it.

use serde::{Deserialize, Serialize};

use super::{
    rate::RateLimit,
    window::{Quota, Refusal, Window},
};
use crate::base::time::Timestamp;

/// A record as the guard keeps it: what it needs to know, and the text that it hands to edges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Grows by one with every change of the record.
    pub version: u64,
    /// Tokens are counted against this; `None` is no limit.
    pub limit: Option<RateLimit>,
    /// The record, or `None` when it was deleted.
    pub record: Option<String>,
}

/// What the guard keeps: the terms in force, since when, and the window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    terms: Terms,
    in_force_at: Timestamp,
    window: Option<Window>,
}

/// What an edge or an admin route asks of a guard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the sentence of each variant names its fields")]
pub enum Command {
    /// `want` tokens for one request that the caller judged by version `version_known`. A `peek` asks what would be
    /// answered and takes nothing.
    Acquire { version_known: u64, want: u32, peek: bool },
    /// Tokens of a grant that was not used, because another guard refused its part of the charge.
    Release { tokens: u32, granted_at: Timestamp },
    /// A record that the truth now holds.
    Adopt { terms: Terms },
}

/// What a guard answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the sentence of each variant names its fields")]
pub enum Reply {
    /// The tokens are the caller's; `quota` is what is left, `None` without a limit.
    Granted { granted_at: Timestamp, quota: Option<Quota> },
    /// Not enough tokens; `retry_at` is `None` when there never will be.
    Limited { retry_at: Option<Timestamp>, quota: Quota },
    /// Nothing was taken: the caller judged by an older record and must judge again by this one.
    Newer { terms: Terms },
    /// The subject was never there.
    Unknown,
    /// The unused tokens are back.
    Released,
    /// The newest terms are in force since that moment.
    InForce { version: u64, in_force_at: Timestamp },
}

impl Command {
    /// Whether a grant of it lets a request through.
    #[must_use]
    pub fn spends(&self) -> bool {
        matches!(self, Self::Acquire { want: 1.., peek: false, .. })
    }
}

impl Guard {
    /// A guard that starts with the terms that the truth holds.
    #[must_use]
    pub fn new(terms: Terms, now: Timestamp) -> Self {
        let window = terms.limit.as_ref().map(Window::new);
        Self { terms, in_force_at: now, window }
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
            (None, Some(terms)) => Self::new(terms, now),
            (None, None) => return None,
        };
        let reply = guard.apply(command, now);
        Some((guard, reply))
    }

    /// Whether the guard must read the truth before it can answer: the caller knows a newer version than it does.
    #[must_use]
    pub fn is_behind(&self, command: &Command) -> bool {
        matches!(command, Command::Acquire { version_known, .. } if *version_known > self.terms.version)
    }

    /// Applies one command. State and reply belong together: the state must be durable before the reply leaves.
    pub fn apply(&mut self, command: Command, now: Timestamp) -> Reply {
        match command {
            Command::Acquire { version_known, want, peek } => self.acquire(version_known, want, peek, now),
            Command::Release { tokens, granted_at } => {
                if let Some(window) = &mut self.window {
                    window.give_back(tokens, granted_at);
                }
                Reply::Released
            }
            Command::Adopt { terms } => self.adopt(terms, now),
        }
    }

    fn acquire(&mut self, version_known: u64, want: u32, peek: bool, now: Timestamp) -> Reply {
        // A caller that knows more than the truth was read for has judged by terms that nobody can vouch for.
        if version_known != self.terms.version {
            return Reply::Newer { terms: self.terms.clone() };
        }
        let (Some(rate), Some(window)) = (&self.terms.limit, &mut self.window) else {
            return Reply::Granted { granted_at: now, quota: None };
        };
        let granted_at = window.effective_now(now);
        let taken = match want {
            0 => Ok(()),
            _ if peek => window.clone().take(want, rate, now),
            _ => window.take(want, rate, now),
        };
        match taken {
            Ok(()) => Reply::Granted { granted_at, quota: Some(window.quota(rate, now)) },
            Err(refusal) => Reply::Limited {
                retry_at: match refusal {
                    Refusal::Until(moment) => Some(moment),
                    Refusal::Never => None,
                },
                quota: window.quota(rate, now),
            },
        }
    }

    /// INVARIANT: versions never go back. A record that arrives late, whatever delayed it, changes nothing.
    fn adopt(&mut self, terms: Terms, now: Timestamp) -> Reply {
        if terms.version > self.terms.version {
            self.window = match (self.window.take(), &terms.limit) {
                (Some(window), Some(rate)) => Some(window.under(rate)),
                (None, Some(rate)) => Some(Window::new(rate)),
                (_, None) => None,
            };
            self.terms = terms;
            self.in_force_at = now;
        }
        Reply::InForce { version: self.terms.version, in_force_at: self.in_force_at }
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
