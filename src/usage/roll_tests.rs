use proptest::prelude::*;

use super::*;
use crate::{
    base::id::{EdgeId, SecretId},
    testing::{chance::Repeating, fixtures, fixtures::NOW, rows::MemoryRows},
    usage::{
        account::Standing,
        report::{Bundle, Line, Report},
    },
};

fn owner() -> Option<Owner> {
    let key = fixtures::key();
    let prefix = Some(key.prefix().to_owned());
    Some(Owner { id: key.id.to_string(), org_id: key.org_id, name: key.name.into(), prefix })
}

fn for_user(user: &str, path: &str, at: Timestamp) -> Impersonation {
    let (user, path) = (user.to_owned(), Some(path.to_owned()));
    Impersonation { user, method: Some("GET".to_owned()), path, ip: None, first_at: at, last_at: at, count: 1 }
}

/// A bundle of one admitted request and of these.
fn enter(rows: &MemoryRows, number: u64, impersonations: Vec<Impersonation>, now: Timestamp) {
    let secret = Some(SecretId::new(NOW, &Repeating(1)).unwrap());
    let lines = vec![Line { code: "VALID".into(), secret, last_at: now, count: 1 }];
    let (deeds, permissions) = (Vec::new(), Vec::new());
    let bundle = Some(Bundle { number, lines, deeds, permissions, impersonations });
    let report = Report { edge: EdgeId::new(NOW, &Repeating(5)).unwrap(), number, sent_at: now, is_whole: true, bundle };
    let Ok(()) = book::enter(rows, &report, Standing::Stopped, now);
}

fn plan_at(rows: &MemoryRows, now: Timestamp) -> Option<Timestamp> {
    let Ok(due) = plan(rows, owner, now);
    due
}

/// Ids that count up.
fn ids(first: u8) -> impl FnMut() -> Option<AuditId> {
    let mut number = first;
    move || {
        number += 1;
        AuditId::new(NOW, &Repeating(number)).ok()
    }
}

fn draw_at(rows: &MemoryRows, first: u8, now: Timestamp) -> Drawn {
    let Ok(drawn) = draw(rows, ids(first), now);
    drawn.unwrap()
}

fn heard_at(rows: &MemoryRows, drawn: &Drawn, now: Timestamp) -> Option<Timestamp> {
    let Ok(due) = heard(rows, drawn, now);
    due
}

#[test]
fn a_guard_is_woken_once_for_all_that_comes_until_then() {
    let rows = MemoryRows::default();
    assert_eq!(plan_at(&rows, NOW), None, "there is nothing to tell");
    enter(&rows, 1, vec![], NOW);
    let due = plan_at(&rows, NOW).unwrap();
    enter(&rows, 2, vec![], NOW.plus_ms(1_000));
    assert_eq!(plan_at(&rows, NOW.plus_ms(1_000)), None);
    let drawn = draw_at(&rows, 0, due);
    assert_eq!(drawn.uses.totals.requests(), 2);
    heard_at(&rows, &drawn, due);
    assert_eq!(plan_at(&rows, due), None, "all was told");
    enter(&rows, 3, vec![], due);
    assert_eq!(plan_at(&rows, due), Some(due.plus_ms(ROLL_MS)));
}

#[test]
fn what_is_entered_while_the_truth_listens_is_told_next() {
    let rows = MemoryRows::default();
    enter(&rows, 1, vec![], NOW);
    plan_at(&rows, NOW);
    let drawn = draw_at(&rows, 0, NOW);
    enter(&rows, 2, vec![], NOW);
    assert_eq!(heard_at(&rows, &drawn, NOW), Some(NOW.plus_ms(ROLL_MS)));
    assert_eq!(draw_at(&rows, 0, NOW).uses.totals.requests(), 2);
}

#[test]
fn a_wakening_that_was_lost_is_set_again_and_one_that_a_clock_put_far_ahead_too() {
    let rows = MemoryRows::default();
    enter(&rows, 1, vec![], NOW);
    let due = plan_at(&rows, NOW).unwrap();
    assert_eq!(plan_at(&rows, due.plus_ms(LATE_MS)), None);
    assert!(plan_at(&rows, due.plus_ms(LATE_MS + 1)).is_some());
    let rows = MemoryRows::default();
    enter(&rows, 1, vec![], NOW);
    plan_at(&rows, NOW.plus_ms(400 * DAY_MS));
    assert_eq!(plan_at(&rows, NOW), Some(NOW.plus_ms(ROLL_MS)));
}

#[test]
fn what_the_truth_did_not_hear_is_told_again_under_the_same_ids() {
    let rows = MemoryRows::default();
    enter(&rows, 1, vec![for_user("ada", "/a", NOW)], NOW);
    plan_at(&rows, NOW);
    let first = draw_at(&rows, 0, NOW);
    assert_eq!(unheard(&rows, NOW), Ok(NOW.plus_ms(ROLL_MS)));
    enter(&rows, 2, vec![for_user("ada", "/a", NOW)], NOW);
    let again = draw_at(&rows, 100, NOW);
    assert_eq!(again.impersonations, first.impersonations);
    assert!(heard_at(&rows, &again, NOW).is_some());
    let next = draw_at(&rows, 100, NOW);
    assert_eq!(next.impersonations.len(), 1);
    assert_ne!(next.impersonations[0].0, first.impersonations[0].0);
}

#[test]
fn what_was_done_alike_for_a_user_is_one_entry() {
    let rows = MemoryRows::default();
    enter(&rows, 1, vec![for_user("ada", "/a", NOW), for_user("eve", "/a", NOW)], NOW);
    enter(&rows, 2, vec![for_user("ada", "/b", NOW), for_user("ada", "/a", NOW)], NOW.plus_ms(5_000));
    plan_at(&rows, NOW);
    let told: Vec<_> = draw_at(&rows, 0, NOW).impersonations.into_iter().map(|(_, one)| (one.user, one.path.unwrap(), one.count)).collect();
    let one = |user: &str, path: &str, count: u64| (user.to_owned(), path.to_owned(), count);
    assert_eq!(told, [one("ada", "/a", 2), one("eve", "/a", 1), one("ada", "/b", 1)]);
}

#[test]
fn without_ids_nothing_is_lost() {
    let rows = MemoryRows::default();
    enter(&rows, 1, vec![for_user("ada", "/a", NOW)], NOW);
    plan_at(&rows, NOW);
    let Ok(drawn) = draw(&rows, || None, NOW);
    let drawn = drawn.unwrap();
    assert_eq!(drawn.impersonations, []);
    assert!(heard_at(&rows, &drawn, NOW).is_some());
    assert_eq!(draw_at(&rows, 0, NOW).impersonations.len(), 1);
}

#[test]
fn a_book_that_is_quiet_is_woken_until_nothing_in_it_gets_too_old() {
    let rows = MemoryRows::default();
    enter(&rows, 1, vec![], NOW);
    let mut due = plan_at(&rows, NOW);
    let mut wakenings = 0;
    while let Some(now) = due {
        let drawn = draw_at(&rows, 0, now);
        due = heard_at(&rows, &drawn, now);
        wakenings += 1;
        assert!(wakenings < 20);
    }
    assert!(wakenings > 12, "{wakenings}");
    let Ok(contents) = book::contents(&rows, NOW);
    assert_eq!((contents.hours.len(), contents.days.len(), contents.uses.last_used_at), (0, 0, Some(NOW)));
}

proptest! {
    /// Whatever fails in between, the truth gets each request that was made for a user once.
    #[test]
    fn each_request_for_a_user_is_noted_once(events in prop::collection::vec((0u8..4, 0u8..3), 1..60)) {
        let rows = MemoryRows::default();
        let (mut entered, mut number, mut now) = (0, 0, NOW);
        let mut noted = BTreeMap::new();
        let mut next_id = 0u8;
        for (event, user) in events.into_iter().chain([(1, 0), (1, 0), (1, 0)]) {
            now = now.plus_ms(ROLL_MS);
            match event {
                0 | 3 => {
                    number += 1;
                    entered += 1;
                    enter(&rows, number, vec![for_user(&user.to_string(), "/", now)], now);
                    plan_at(&rows, now);
                }
                heard_or_not => {
                    let ids = || { next_id += 1; AuditId::new(NOW, &Repeating(next_id)).ok() };
                    let Ok(drawn) = draw(&rows, ids, now);
                    let Some(drawn) = drawn else { continue };
                    // The truth keeps what it does not have; its answer may be lost.
                    for (id, one) in &drawn.impersonations {
                        noted.entry(id.to_string()).or_insert(one.count);
                    }
                    if heard_or_not == 1 { heard_at(&rows, &drawn, now); } else { let Ok(_) = unheard(&rows, now); }
                }
            }
        }
        prop_assert_eq!(noted.values().sum::<u64>(), entered);
    }
}
