//! What an isolate knows of the identity provider's keys, and when it may ask again.
//!
//! In scope: ages and budgets, by a clock that is an argument and may go back. Out of scope: asking.

use std::rc::Rc;

use crate::{authn::jwks::KeySet, base::time::Timestamp};

/// How long a set is relied on without asking for a newer one.
pub const FRESH_MS: i64 = 10 * 60 * 1000;
/// A token that names an unknown key makes an isolate ask again once in that time: such tokens cost nothing to make.
pub const UNKNOWN_KID_MS: i64 = 60 * 1000;
/// How long nothing is asked after an attempt that failed.
pub const AFTER_FAILURE_MS: i64 = 1_000;
/// How long an attempt counts as under way. It is longer than one may take: only one that was cancelled gets that old.
const UNDER_WAY_MS: i64 = 15_000;

/// A set of keys and its age.
#[derive(Clone, Debug)]
pub struct Dated {
    /// The keys.
    pub keys: Rc<KeySet>,
    /// The time just before they were asked for.
    pub fetched_at: Timestamp,
}

impl Dated {
    /// Whether the set is relied on without asking. One from the future is not: by a clock that went back it would stay
    /// fresh for ever.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        is_within(self.fetched_at, FRESH_MS, now)
    }
}

/// What became of the last attempt to get a newer set.
#[derive(Clone, Copy, Debug, Default)]
enum Attempt {
    /// It succeeded, or there was none.
    #[default]
    None,
    /// A request is at it since then.
    UnderWay(Timestamp),
    /// It failed then.
    Failed(Timestamp),
}

/// The keys of one provider, as far as this isolate knows.
#[derive(Clone, Debug, Default)]
pub struct KnownKeys {
    last: Option<Dated>,
    attempt: Attempt,
    unknown_kid_at: Option<Timestamp>,
}

impl KnownKeys {
    /// The last good set, however old.
    #[must_use]
    pub fn last(&self) -> Option<Dated> {
        self.last.clone()
    }

    /// Remembers a set, unless a newer one is there. Late answers come in any order.
    pub fn remember(&mut self, offered: Dated, now: Timestamp) {
        let newer = |last: &Dated| last.fetched_at > now || (last.fetched_at..=now).contains(&offered.fetched_at);
        if self.last.as_ref().is_none_or(newer) {
            self.last = Some(offered);
        }
    }

    /// Whether a newer set may be asked for now. While another request is at it, those that have a set go on with it; those
    /// that have none cannot wait for an answer that is not theirs, and ask for themselves.
    #[must_use]
    pub fn may_attempt(&self, now: Timestamp) -> bool {
        match self.attempt {
            Attempt::None => true,
            Attempt::UnderWay(_) => self.last.is_none() || !self.is_under_way(now),
            Attempt::Failed(at) => !is_within(at, AFTER_FAILURE_MS, now),
        }
    }

    /// Whether some request is getting a newer set.
    #[must_use]
    pub fn is_under_way(&self, now: Timestamp) -> bool {
        matches!(self.attempt, Attempt::UnderWay(since) if is_within(since, UNDER_WAY_MS, now))
    }

    /// Notes an attempt, before it is made.
    pub fn begin_attempt(&mut self, now: Timestamp) {
        self.attempt = Attempt::UnderWay(now);
    }

    /// Notes that the attempt is over.
    pub fn end_attempt(&mut self, succeeded: bool, now: Timestamp) {
        self.attempt = if succeeded { Attempt::None } else { Attempt::Failed(now) };
    }

    /// Takes the one look in a while that an unknown key is worth; false when it was taken.
    pub fn take_look(&mut self, now: Timestamp) -> bool {
        let taken = self.unknown_kid_at.is_some_and(|at| is_within(at, UNKNOWN_KID_MS, now));
        if !taken {
            self.unknown_kid_at = Some(now);
        }
        !taken
    }
}

/// Whether `now` is in the `ms` that begin at `since`. Before it, it is not: a clock that went back proves nothing.
fn is_within(since: Timestamp, ms: i64, now: Timestamp) -> bool {
    (since..since.plus_ms(ms)).contains(&now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixtures::NOW;

    fn dated(fetched_at: Timestamp) -> Dated {
        Dated { keys: Rc::new(KeySet::parse(r#"{"keys":[]}"#).unwrap()), fetched_at }
    }

    #[test]
    fn a_set_is_fresh_for_ten_minutes_from_when_it_was_asked_for() {
        for (ms, fresh) in [(0, true), (FRESH_MS - 1, true), (FRESH_MS, false), (-1, false)] {
            assert_eq!(dated(NOW).is_fresh(NOW.plus_ms(ms)), fresh, "{ms}");
        }
    }

    #[test]
    fn a_set_gives_way_to_newer_ones_and_never_to_older_unless_it_is_from_the_future() {
        let after = |offered: &[i64]| {
            let mut known = KnownKeys::default();
            offered.iter().for_each(|ms| known.remember(dated(NOW.plus_ms(*ms)), NOW));
            known.last().unwrap().fetched_at.ms() - NOW.ms()
        };
        for (offered, left) in [(&[-5, -3][..], -3), (&[-3, -5], -3), (&[7, -5], -5), (&[-5, 7], -5), (&[7], 7)] {
            assert_eq!(after(offered), left, "{offered:?}");
        }
    }

    #[test]
    fn an_attempt_that_nobody_ended_and_a_clock_that_went_back_block_nobody_for_ever() {
        let mut known = KnownKeys::default();
        known.begin_attempt(NOW);
        assert!(known.may_attempt(NOW), "without a set there is nothing to go on with");
        known.remember(dated(NOW), NOW);
        assert!(!known.may_attempt(NOW));
        assert!(known.may_attempt(NOW.plus_ms(UNDER_WAY_MS)));
        assert!(known.may_attempt(NOW.plus_ms(-1)));
        known.end_attempt(false, NOW);
        assert!(!known.may_attempt(NOW.plus_ms(AFTER_FAILURE_MS - 1)));
        assert!(known.may_attempt(NOW.plus_ms(AFTER_FAILURE_MS)));
        assert!(known.may_attempt(NOW.plus_ms(-1)));
    }

    #[test]
    fn an_unknown_key_is_worth_one_look_a_minute() {
        let mut known = KnownKeys::default();
        assert!(known.take_look(NOW));
        assert!(!known.take_look(NOW.plus_ms(UNKNOWN_KID_MS - 1)));
        assert!(known.take_look(NOW.plus_ms(UNKNOWN_KID_MS)));
        assert!(known.take_look(NOW), "the clock went back");
    }
}
