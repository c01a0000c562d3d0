use super::*;
use crate::{
    base::id::{EdgeId, SecretId},
    decision::verdict::VALID,
    limit::{
        guard::{Command, Guard, Reply, Terms},
        window::Quota,
    },
    testing::{chance::Repeating, fixtures::NOW, rows::MemoryRows},
    usage::retention::KEPT_DAYS,
};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

fn secret(number: u8) -> SecretId {
    SecretId::new(NOW, &Repeating(number)).unwrap()
}

fn line(code: &'static str, last_at: Timestamp, count: u64) -> Line {
    Line { code: code.into(), secret: Some(secret(1)), last_at, count }
}

fn deed(at: Timestamp) -> Deed {
    Deed { at, code: VALID.into(), method: None, path: None, ip: None, act_as: None }
}

fn report(number: u64, sent_at: Timestamp, lines: Vec<Line>, deeds: Vec<Deed>) -> Report {
    let edge = EdgeId::new(NOW, &Repeating(5)).unwrap();
    Report {
        edge,
        number,
        sent_at,
        is_whole: true,
        bundle: Some(Bundle { number, lines, deeds, permissions: Vec::new(), impersonations: Vec::new() }),
    }
}

fn enter_at(rows: &MemoryRows, report: &Report, now: Timestamp) {
    let Ok(()) = enter(rows, report, Standing::Stopped, now);
}

fn contents_at(rows: &MemoryRows, now: Timestamp) -> Contents {
    let Ok(contents) = contents(rows, now);
    contents
}

#[test]
fn what_is_told_is_dated_by_the_guards_clock_however_wrong_the_edges_is() {
    for skew_ms in [0, -5 * 365 * DAY_MS, 5 * 365 * DAY_MS] {
        let (rows, edge_now) = (MemoryRows::default(), NOW.plus_ms(skew_ms));
        let lines = vec![line(VALID, edge_now.plus_ms(-10), 2), line("EXPIRED", edge_now.plus_ms(-2 * HOUR_MS), 1)];
        enter_at(&rows, &report(1, edge_now, lines, vec![deed(edge_now.plus_ms(-10))]), NOW);
        let contents = contents_at(&rows, NOW);
        let hours: Vec<_> = contents.hours.iter().map(|(start, counts)| (*start, counts.allowed(), counts.denied())).collect();
        let hour = |ms| Hour::of(NOW.plus_ms(ms)).start_at();
        assert_eq!(hours, [(hour(-2 * HOUR_MS), 0, 1), (hour(-10), 2, 0)]);
        assert_eq!((contents.deeds[0].at, contents.uses.last_used_at), (NOW.plus_ms(-10), Some(NOW.plus_ms(-10))));
    }
}

#[test]
fn a_clock_that_jumped_between_counting_and_telling_dates_nothing_into_the_future_or_far_back() {
    for (jump_ms, expected_ms) in [(DAY_MS * 400, 0), (-DAY_MS * 400, -DAY_MS)] {
        let rows = MemoryRows::default();
        enter_at(&rows, &report(1, NOW, vec![line(VALID, NOW.plus_ms(jump_ms), 1)], Vec::new()), NOW);
        assert_eq!(contents_at(&rows, NOW).uses.last_used_at, Some(NOW.plus_ms(expected_ms)));
    }
}

#[test]
fn counters_stay_full_beyond_2_to_the_53_and_the_64() {
    let rows = MemoryRows::default();
    for (number, count) in [(1, 1 << 53), (2, 1), (3, u64::MAX)] {
        enter_at(&rows, &report(number, NOW, vec![line(VALID, NOW, count)], Vec::new()), NOW);
        let expected = [(1 << 53), (1 << 53) + 1, u64::MAX][usize::try_from(number).unwrap() - 1];
        assert_eq!(contents_at(&rows, NOW).hours.values().map(Counts::allowed).collect::<Vec<_>>(), [expected]);
    }
}

#[test]
fn who_is_told_that_the_key_is_over_does_not_use_it() {
    let rows = MemoryRows::default();
    let lines = vec![line("RATE_LIMITED", NOW.plus_ms(-50), 1), line("REVOKED", NOW, 1), line("EXPIRED", NOW, 1)];
    enter_at(&rows, &report(1, NOW, lines, Vec::new()), NOW);
    // Another edge tells late of an earlier one.
    let mut late = report(1, NOW, vec![line(VALID, NOW.plus_ms(-900), 1)], Vec::new());
    late.edge = EdgeId::new(NOW, &Repeating(6)).unwrap();
    enter_at(&rows, &late, NOW);
    let uses = contents_at(&rows, NOW).uses;
    assert_eq!(uses.last_used_at, Some(NOW.plus_ms(-50)));
    assert_eq!(uses.secrets.into_iter().collect::<Vec<_>>(), [(secret(1).to_string(), NOW.plus_ms(-50))]);
}

#[test]
fn the_last_hundred_requests_are_kept_in_order() {
    let rows = MemoryRows::default();
    for number in 1..=3_i64 {
        let deeds = (0..60).map(|step| deed(NOW.plus_ms(step * 3 - number))).collect();
        let number = u64::try_from(number).unwrap();
        enter_at(&rows, &report(number, NOW.plus_ms(1_000), Vec::new(), deeds), NOW.plus_ms(1_000));
    }
    let kept: Vec<_> = contents_at(&rows, NOW).deeds.iter().map(|deed| deed.at.ms() - NOW.ms()).collect();
    assert_eq!(kept, (76..176).map(|step| step + 1).collect::<Vec<i64>>());
}

#[test]
fn hours_are_shown_and_kept_for_their_days_and_accounts_for_theirs() {
    let rows = MemoryRows::default();
    enter_at(&rows, &report(1, NOW, vec![line(VALID, NOW, 1)], Vec::new()), NOW);
    let last = NOW.plus_ms((i64::from(KEPT_DAYS) * 24 - 1) * HOUR_MS);
    assert_eq!(contents_at(&rows, last).hours.len(), 1);
    assert_eq!(contents_at(&rows, last.plus_ms(HOUR_MS)).hours.len(), 0);
    let mut other = report(1, NOW, vec![line(VALID, last, 1)], Vec::new());
    other.edge = EdgeId::new(NOW, &Repeating(6)).unwrap();
    enter_at(&rows, &other, last.plus_ms(HOUR_MS));
    let Ok(names) = rows.list("").map(|rows| rows.into_iter().map(|(name, _)| name).collect::<Vec<_>>());
    let kept: Vec<&str> = names.iter().map(|name| name.split(':').next().unwrap()).collect();
    assert_eq!(kept, ["day", "edge", "hour", "uses"], "{names:?}");
    assert!(names[1].ends_with(other.edge.text().as_str()));
}

#[test]
fn an_edge_that_was_granted_something_and_fell_silent_leaves_a_gap_until_it_is_heard_again() {
    let rows = MemoryRows::default();
    let granted = Report { bundle: None, ..report(1, NOW, Vec::new(), Vec::new()) };
    let Ok(()) = enter(&rows, &granted, Standing::DecidesUntil(NOW.plus_ms(2_000)), NOW);
    assert_eq!(contents_at(&rows, NOW.plus_ms(11_999)).gaps, []);
    let late = NOW.plus_ms(12_000);
    assert_eq!(contents_at(&rows, late).gaps, [Gap { from: NOW, to: NOW.plus_ms(2_000) }]);
    enter_at(&rows, &report(2, late, vec![line(VALID, NOW, 1)], Vec::new()), late);
    assert_eq!(contents_at(&rows, late.plus_ms(DAY_MS)).gaps, []);
    // A message that was overtaken opens nothing again.
    let Ok(()) = enter(&rows, &granted, Standing::DecidesUntil(late), late);
    assert_eq!(contents_at(&rows, late.plus_ms(DAY_MS)).gaps, []);
}

#[test]
fn a_gap_is_from_when_all_was_told_until_the_longest_that_was_granted_and_gaps_that_touch_are_one() {
    let rows = MemoryRows::default();
    let mut told = Report { bundle: None, ..report(1, NOW, Vec::new(), Vec::new()) };
    for (number, is_whole, ms, until_ms) in [(1, true, 0, 30_000), (2, true, 100, 100), (3, false, 200, 200)] {
        (told.number, told.is_whole) = (number, is_whole);
        let Ok(()) = enter(&rows, &told, Standing::DecidesUntil(NOW.plus_ms(until_ms)), NOW.plus_ms(ms));
    }
    let gap = |from_ms, to_ms| Gap { from: NOW.plus_ms(from_ms), to: NOW.plus_ms(to_ms) };
    assert_eq!(contents_at(&rows, NOW.plus_ms(DAY_MS)).gaps, [gap(100, 30_000)]);
    for (number, from_ms, to_ms) in [(6, 30_000, 31_000), (7, 50, 60), (8, 31_001, 31_002)] {
        let other = Report { edge: EdgeId::new(NOW, &Repeating(number)).unwrap(), number: 1, is_whole: true, ..told.clone() };
        let Ok(()) = enter(&rows, &other, Standing::DecidesUntil(NOW.plus_ms(to_ms)), NOW.plus_ms(from_ms));
    }
    let expected = [gap(50, 60), gap(100, 31_000), gap(31_001, 31_002)];
    assert_eq!(contents_at(&rows, NOW.plus_ms(DAY_MS)).gaps, expected);
}

#[test]
fn who_was_refused_may_refuse_by_that_for_as_long_as_it_is_believed() {
    let quota = Quota { limit: 1, remaining: 0, window_seconds: 30, reset_at: NOW };
    let reply = Reply::Limited { newer: None, retry_at: None, quota };
    let command = Command::Acquire { version_known: 1, want: 1, ahead: 0, ttl_ms: 0, settle: Vec::new() };
    let guard = |record: Option<&str>| Guard::new(Terms { version: 1, limit: None, record: record.map(str::to_owned) }, 0, NOW);
    assert_eq!(Standing::after(&guard(Some("{}")), &command, &reply, NOW), Standing::DecidesUntil(NOW.plus_ms(500)));
    assert_eq!(Standing::after(&guard(None), &command, &reply, NOW), Standing::Stopped, "of what is gone");
}

#[test]
fn a_gap_is_kept_as_long_as_the_counts() {
    let rows = MemoryRows::default();
    let granted = Report { bundle: None, ..report(1, NOW, Vec::new(), Vec::new()) };
    let Ok(()) = enter(&rows, &granted, Standing::DecidesUntil(NOW), NOW);
    let mut other = report(1, NOW, vec![line(VALID, NOW, 1)], Vec::new());
    other.edge = EdgeId::new(NOW, &Repeating(6)).unwrap();
    for (number, days, gaps) in [(1, 30, 1), (2, 32, 0)] {
        other.number = number;
        other.bundle.as_mut().unwrap().number = number;
        enter_at(&rows, &other, NOW.plus_ms(days * DAY_MS));
        assert_eq!(contents_at(&rows, NOW.plus_ms(days * DAY_MS)).gaps.len(), gaps, "{days}");
    }
}

#[test]
fn rows_that_another_release_wrote_are_begun_anew() {
    let rows = MemoryRows::default();
    for name in ["uses", "deeds", &hour_name(HOURS, Hour::of(NOW)), "edge:edg_1"] {
        let Ok(()) = rows.put(name, "{\"format\": 9}");
    }
    enter_at(&rows, &report(1, NOW, vec![line(VALID, NOW, 1)], vec![deed(NOW)]), NOW);
    let contents = contents_at(&rows, NOW);
    assert_eq!((contents.hours.len(), contents.deeds.len()), (1, 1));
}

#[test]
fn stored_rows_read_as_they_were_written() {
    let rows = MemoryRows::default();
    let mut told = report(3, NOW, vec![line(VALID, NOW, 2)], vec![deed(NOW)]);
    told.number = 4;
    enter_at(&rows, &told, NOW);
    let Ok(all) = rows.list("");
    let texts: Vec<_> = all.iter().map(|(name, text)| format!("{name} {text}")).collect();
    let expected = [
        r#"deeds [{"at":"2030-03-17T17:46:40.000Z","code":"VALID","method":null,"path":null,"ip":null,"act_as":null}]"#,
        r#"edge:edg_01q9gd6e000m2ga1850m2ga185 {"bundle":3,"message":4,"heard_at":"2030-03-17T17:46:40.000Z","decides_until":null}"#,
        r#"hour:000527777 {"VALID":2}"#,
        r#"uses {"last_used_at":"2030-03-17T17:46:40.000Z","secrets":{"sec_01q9gd6e00040g2081040g2081":"2030-03-17T17:46:40.000Z"},"permissions":{},"totals":{"VALID":2},"entered":1}"#,
    ];
    assert_eq!(texts, expected);
    let Ok(()) = rows.put("uses", r#"{"last_used_at":"2030-03-17T17:46:40.000Z","secrets":{}}"#);
    assert_eq!(contents_at(&rows, NOW).uses, Uses { last_used_at: Some(NOW), ..Uses::default() }, "as it was written before");
}

#[test]
fn of_secrets_those_that_were_used_last_are_kept() {
    let rows = MemoryRows::default();
    for number in 0..50_u8 {
        let at = NOW.plus_ms(i64::from(number));
        let line = Line { secret: Some(secret(number)), ..line(VALID, at, 1) };
        enter_at(&rows, &report(u64::from(number) + 1, at, vec![line], Vec::new()), at);
    }
    let secrets = contents_at(&rows, NOW).uses.secrets;
    assert!(secrets.len() <= 10 && secrets.contains_key(secret(49).text().as_str()), "{secrets:?}");
}

#[test]
fn what_the_origin_answers_is_no_use_of_the_key_and_counts_apart() {
    let rows = MemoryRows::default();
    let answered = Line { secret: None, ..line("2xx", NOW.plus_ms(5_000), 1) };
    enter_at(&rows, &report(1, NOW.plus_ms(5_000), vec![line(VALID, NOW, 1), answered], Vec::new()), NOW.plus_ms(5_000));
    let contents = contents_at(&rows, NOW.plus_ms(5_000));
    assert_eq!(contents.uses.last_used_at, Some(NOW));
    assert_eq!((contents.uses.totals.requests(), contents.uses.totals.origin().collect::<Vec<_>>()), (1, vec![("2xx", 1)]));
}
