use super::*;
use proptest::prelude::*;

const RATE: RateLimit = RateLimit { limit: 2, window_seconds: 60 };

fn terms(version: u64) -> Terms {
    Terms { version, limit: Some(RATE), record: Some(format!("record {version}")) }
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(1_900_000_000_000 + ms)
}

fn acquire(version_known: u64, want: u32) -> Command {
    Command::Acquire { version_known, want, peek: false }
}

#[test]
fn the_limit_is_granted_and_not_one_more() {
    let mut guard = Guard::new(terms(1), at(0));
    for left in [1, 0] {
        let Reply::Granted { quota: Some(quota), .. } = guard.apply(acquire(1, 1), at(0)) else { panic!("refused") };
        assert_eq!(quota.remaining, left);
    }
    assert!(matches!(guard.apply(acquire(1, 1), at(0)), Reply::Limited { retry_at: Some(_), .. }));
}

#[test]
fn a_caller_with_an_older_record_gets_the_newer_one_and_no_token() {
    let mut guard = Guard::new(terms(1), at(0));
    guard.apply(Command::Adopt { terms: terms(2) }, at(0));
    assert_eq!(guard.apply(acquire(1, 1), at(0)), Reply::Newer { terms: terms(2) });
    let Reply::Granted { quota: Some(quota), .. } = guard.apply(acquire(2, 0), at(0)) else { panic!("refused") };
    assert_eq!(quota.remaining, 2);
}

#[test]
fn a_look_takes_nothing_even_from_an_exhausted_window() {
    let mut guard = Guard::new(terms(1), at(0));
    guard.apply(acquire(1, 2), at(0));
    let before = guard.clone();
    let Reply::Granted { quota: Some(quota), .. } = guard.apply(acquire(1, 0), at(0)) else { panic!("refused") };
    assert_eq!(quota.remaining, 0);
    assert_eq!(guard, before);
}

#[test]
fn a_peek_says_what_would_be_answered_and_takes_nothing() {
    let mut guard = Guard::new(terms(1), at(0));
    guard.apply(acquire(1, 1), at(0));
    let before = guard.clone();
    let peek = |want| Command::Acquire { version_known: 1, want, peek: true };
    assert!(matches!(guard.apply(peek(1), at(0)), Reply::Granted { quota: Some(Quota { remaining: 1, .. }), .. }));
    assert!(matches!(guard.apply(peek(2), at(0)), Reply::Limited { retry_at: Some(_), .. }));
    assert_eq!(guard, before);
}

#[test]
fn released_tokens_can_be_granted_again() {
    let mut guard = Guard::new(terms(1), at(0));
    let Reply::Granted { granted_at, .. } = guard.apply(acquire(1, 2), at(0)) else { panic!("refused") };
    guard.apply(Command::Release { tokens: 2, granted_at }, at(10));
    assert!(matches!(guard.apply(acquire(1, 2), at(20)), Reply::Granted { .. }));
}

#[test]
fn a_deleted_subject_is_told_as_newer_terms_without_a_record() {
    let mut guard = Guard::new(terms(1), at(0));
    let tombstone = Terms { version: 2, limit: None, record: None };
    guard.apply(Command::Adopt { terms: tombstone.clone() }, at(0));
    assert_eq!(guard.apply(acquire(1, 1), at(0)), Reply::Newer { terms: tombstone });
}

#[test]
fn repeating_an_adoption_keeps_the_moment_of_the_first() {
    let mut guard = Guard::new(terms(1), at(0));
    let first = guard.apply(Command::Adopt { terms: terms(2) }, at(5));
    assert_eq!(first, Reply::InForce { version: 2, in_force_at: at(5) });
    assert_eq!(guard.apply(Command::Adopt { terms: terms(2) }, at(9)), first);
}

#[test]
fn a_window_survives_an_edit_that_keeps_the_limit() {
    let mut guard = Guard::new(terms(1), at(0));
    guard.apply(acquire(1, 2), at(0));
    guard.apply(Command::Adopt { terms: terms(2) }, at(1));
    assert!(matches!(guard.apply(acquire(2, 1), at(2)), Reply::Limited { .. }));
}

#[test]
fn stored_bytes_are_these() {
    let mut guard = Guard::new(terms(1), at(0));
    guard.apply(acquire(1, 1), at(0));
    let stored = concat!(
        r#"{"terms":{"version":1,"limit":{"limit":2,"window_seconds":60},"record":"record 1"},"#,
        r#""in_force_at":"2030-03-17T17:46:40.000Z","window":{"window_ms":60000,"buckets":[[1900000000000,1]]}}"#
    );
    assert_eq!(serde_json::to_string(&guard).unwrap(), stored);
    assert_eq!(serde_json::from_str::<Guard>(stored).unwrap(), guard);
}

proptest! {
    #[test]
    fn versions_never_go_back(versions in prop::collection::vec(1u64..20, 1..40)) {
        let mut guard = Guard::new(terms(1), at(0));
        let mut newest = 1;
        for version in versions {
            newest = version.max(newest);
            let reply = guard.apply(Command::Adopt { terms: terms(version) }, at(0));
            prop_assert_eq!(reply, Reply::InForce { version: newest, in_force_at: at(0) });
            prop_assert_eq!(&guard.terms, &terms(newest));
        }
    }
}
