use super::*;
use crate::{
    testing::{fixtures::NOW, rows::MemoryRows},
    usage::{
        book::{self, Contents},
        rows::IMPERSONATIONS,
    },
};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// One admitted request in the hour of each moment.
fn rows_of(moments: &[Timestamp]) -> MemoryRows {
    let rows = MemoryRows::default();
    for moment in moments {
        let mut counts = Counts::default();
        counts.add("VALID", 1);
        let Ok(()) = write(&rows, &hour_name(HOURS, Hour::of(*moment)), &counts);
    }
    rows
}

fn contents(rows: &MemoryRows, now: Timestamp) -> Contents {
    let Ok(contents) = book::contents(rows, now);
    contents
}

#[test]
fn hours_become_days_and_days_go_and_nothing_is_lost_in_between() {
    let moments: Vec<Timestamp> = (0..500).map(|hours| NOW.plus_ms(-hours * HOUR_MS)).collect();
    let rows = rows_of(&moments);
    for days in [0, 20, 31, 40, 200, 399] {
        let now = NOW.plus_ms(days * DAY_MS);
        let Ok(left) = tidy(&rows, now);
        let kept = contents(&rows, now);
        let sum: u64 = kept.hours.values().chain(kept.days.values()).map(Counts::requests).sum();
        let expected = if days < 380 { 500 } else { kept.days.values().map(Counts::requests).sum() };
        assert_eq!((sum, left), (expected, true), "after {days} days");
        assert!(kept.hours.keys().all(|hour| *hour > last_forgotten_hour(now).start_at()));
    }
    assert_eq!(tidy(&rows, NOW.plus_ms(401 * DAY_MS)), Ok(false));
    assert_eq!(contents(&rows, NOW.plus_ms(401 * DAY_MS)).days.len(), 0);
}

#[test]
fn repeating_it_changes_nothing() {
    let rows = rows_of(&[NOW, NOW.plus_ms(-40 * DAY_MS), NOW.plus_ms(-40 * DAY_MS + HOUR_MS)]);
    let after = |rows: &MemoryRows| {
        let Ok(_) = tidy(rows, NOW);
        contents(rows, NOW)
    };
    assert_eq!(after(&rows), after(&rows));
}

#[test]
fn requests_that_are_too_old_are_not_told_any_more() {
    let deed = |at| Deed { at, code: "VALID".into(), method: None, path: None, ip: None, act_as: None };
    let rows = MemoryRows::default();
    let Ok(()) = write(&rows, DEEDS, &vec![deed(NOW.plus_ms(-32 * DAY_MS)), deed(NOW)]);
    assert_eq!(tidy(&rows, NOW), Ok(true));
    assert_eq!(contents(&rows, NOW).deeds, [deed(NOW)]);
    assert_eq!(tidy(&rows, NOW.plus_ms(32 * DAY_MS)), Ok(false));
    assert_eq!(contents(&rows, NOW).deeds, []);
}

#[test]
fn of_a_key_that_is_gone_only_what_the_audit_log_has_to_hear_is_kept() {
    let rows = rows_of(&[NOW]);
    let (name, uses) = (format!("{IMPERSONATIONS}1"), Uses { last_used_at: Some(NOW), entered: 3, ..Uses::default() });
    let Ok(()) = write(&rows, &name, &"told");
    let Ok(()) = write(&rows, USES, &uses);
    let Ok(()) = strip(&rows);
    let kept = contents(&rows, NOW);
    assert_eq!((kept.hours.len(), kept.uses), (0, Uses { entered: 3, ..Uses::default() }));
    let Ok(told) = rows.find(&name);
    assert!(told.is_some());
}
