use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::{
    decision::verdict::VALID,
    testing::{chance::Repeating, fixtures::NOW, rows::MemoryRows},
    usage::{account::Standing, book, count::Counts},
};

fn edge(number: u8) -> EdgeId {
    EdgeId::new(NOW, &Repeating(number)).unwrap()
}

fn secret() -> SecretId {
    SecretId::new(NOW, &Repeating(9)).unwrap()
}

fn deed(code: &'static str, at: Timestamp) -> Deed {
    Deed { at, code: code.into(), method: None, path: None, ip: None, act_as: None }
}

fn tallies() -> Tallies<u8> {
    Tallies::of(edge(1))
}

fn counted(report: &Report) -> u64 {
    report.bundle.iter().flat_map(|bundle| &bundle.lines).map(|line| line.count).sum()
}

#[test]
fn requests_that_were_decided_alike_are_one_line() {
    let mut tallies = tallies();
    for (code, ms) in [(VALID, 0), (VALID, 5), ("RATE_LIMITED", 6), (VALID, 7)] {
        assert!(tallies.count_deed(&1, &secret(), deed(code, NOW.plus_ms(ms))));
    }
    let bundle = tallies.report(&1, Tone::Opening, NOW.plus_ms(8)).bundle.unwrap();
    let lines: Vec<_> = bundle.lines.iter().map(|line| (line.code.as_ref(), line.count, line.last_at)).collect();
    assert_eq!(lines, [(VALID, 3, NOW.plus_ms(7)), ("RATE_LIMITED", 1, NOW.plus_ms(6))]);
    assert_eq!(bundle.deeds.len(), 4);
}

#[test]
fn a_bundle_is_told_until_it_is_heard_and_what_comes_meanwhile_waits() {
    let mut tallies = tallies();
    tallies.count_deed(&1, &secret(), deed(VALID, NOW));
    let first = tallies.report(&1, Tone::Opening, NOW);
    tallies.count_deed(&1, &secret(), deed(VALID, NOW));
    assert_eq!(tallies.report(&1, Tone::Opening, NOW).bundle, None, "one at a time");
    tallies.unheard(&1, &first);
    assert_eq!(tallies.report(&1, Tone::Opening, NOW).bundle, first.bundle);
    assert_eq!(tallies.report(&1, Tone::Opening, NOW.plus_ms(PATIENCE_MS)).bundle, first.bundle, "it may be lost");
    tallies.heard(&1, &first, Tone::Opening);
    let next = tallies.report(&1, Tone::Closing, NOW.plus_ms(PATIENCE_MS));
    assert_eq!(counted(&next), 1);
    tallies.heard(&1, &next, Tone::Closing);
    assert!(!tallies.owes(&1));
}

#[test]
fn the_last_word_is_not_the_last_if_somebody_asked_meanwhile() {
    let mut tallies = tallies();
    tallies.report(&1, Tone::Opening, NOW);
    let last = tallies.report(&1, Tone::Closing, NOW);
    let asked = tallies.report(&1, Tone::Opening, NOW);
    tallies.heard(&1, &last, Tone::Closing);
    tallies.heard(&1, &asked, Tone::Opening);
    assert!(tallies.owes(&1));
}

#[test]
fn a_last_word_that_was_lost_is_owed_though_the_question_before_it_was_heard() {
    let mut tallies = tallies();
    let question = tallies.report(&1, Tone::Opening, NOW);
    let last = tallies.report(&1, Tone::Closing, NOW);
    tallies.unheard(&1, &last);
    tallies.heard(&1, &question, Tone::Opening);
    assert!(tallies.owes(&1));
}

#[test]
fn a_last_word_that_could_not_tell_all_is_said_again() {
    for closing_is_answered_first in [true, false] {
        let (mut tallies, rows) = (tallies(), MemoryRows::default());
        let enter = |report: &Report, standing| book::enter(&rows, report, standing, NOW).unwrap();
        tallies.count_deed(&1, &secret(), deed(VALID, NOW));
        // What was counted is on its way in one message while the other one leaves.
        let question = tallies.report(&1, Tone::Opening, NOW);
        let last = tallies.report(&1, Tone::Closing, NOW);
        enter(&last, Standing::Stopped);
        enter(&question, Standing::DecidesUntil(NOW.plus_ms(5)));
        let mut answers = [(&last, Tone::Closing), (&question, Tone::Opening)];
        answers.rotate_left(usize::from(!closing_is_answered_first));
        answers.into_iter().for_each(|(report, tone)| tallies.heard(&1, report, tone));
        assert!(tallies.owes(&1));
        let again = tallies.report(&1, Tone::Closing, NOW);
        enter(&again, Standing::Stopped);
        tallies.heard(&1, &again, Tone::Closing);
        let Ok(contents) = book::contents(&rows, NOW.plus_ms(1_000_000));
        assert_eq!((tallies.owes(&1), contents.gaps, contents.uses.totals.requests()), (false, vec![], 1));
    }
}

#[test]
fn secrets_and_hours_are_told_apart() {
    let mut tallies = tallies();
    let other = SecretId::new(NOW, &Repeating(8)).unwrap();
    for (secret, ms) in [(&secret(), 0), (&other, 0), (&secret(), 3_600_000)] {
        assert!(tallies.count_deed(&1, secret, deed(VALID, NOW.plus_ms(ms))));
    }
    assert_eq!(tallies.report(&1, Tone::Opening, NOW).bundle.unwrap().lines.len(), 3);
}

#[test]
fn whom_nobody_sees_to_is_named_once() {
    let mut tallies = tallies();
    tallies.strand(&1);
    assert_eq!(tallies.take_stranded(), None, "nothing is owed");
    tallies.report(&1, Tone::Opening, NOW);
    (0..2).for_each(|_| tallies.strand(&1));
    assert_eq!([tallies.take_stranded(), tallies.take_stranded()], [Some(1), None]);
}

#[test]
fn numbers_go_on_for_a_subject_that_was_forgotten() {
    let mut tallies = tallies();
    let first = tallies.report(&1, Tone::Closing, NOW);
    tallies.heard(&1, &first, Tone::Closing);
    assert!(!tallies.owes(&1));
    assert!(tallies.report(&1, Tone::Opening, NOW).number > first.number);
}

#[test]
fn the_last_requests_are_told_once_a_second_and_the_counts_each_time() {
    let mut tallies = tallies();
    let mut told = |ms: i64, tone: Tone| {
        let now = NOW.plus_ms(ms);
        tallies.count_deed(&1, &secret(), deed(VALID, now));
        let report = tallies.report(&1, tone, now);
        tallies.heard(&1, &report, tone);
        (counted(&report), report.bundle.unwrap().deeds.len())
    };
    assert_eq!([told(0, Tone::Opening), told(10, Tone::Opening), told(999, Tone::Opening)], [(1, 1), (1, 0), (1, 0)]);
    assert_eq!([told(1000, Tone::Opening), told(1001, Tone::Closing)], [(1, 3), (1, 1)]);
}

#[test]
fn of_the_last_requests_so_many_are_kept_and_with_too_many_subjects_fewer() {
    let mut tallies = tallies();
    for subject in 0..200 {
        for _ in 0..MAX_DEEDS + 5 {
            tallies.count_deed(&subject, &secret(), deed(VALID, NOW));
        }
    }
    assert!(tallies.deeds <= MAX_DEEDS_IN_ALL + 200, "{}", tallies.deeds);
    let of = |subject: u8, tallies: &mut Tallies<u8>| tallies.report(&subject, Tone::Closing, NOW).bundle.unwrap().deeds.len();
    assert_eq!((of(0, &mut tallies), of(199, &mut tallies)), (MAX_DEEDS, 1));
    let others: usize = (1..199).map(|subject| of(subject, &mut tallies)).sum();
    assert!(others > 0);
}

#[test]
fn requests_that_were_told_and_not_heard_are_remembered_and_bounded_too() {
    let mut tallies = tallies();
    for subject in 0..=255 {
        (0..MAX_DEEDS).for_each(|_| assert!(tallies.count_deed(&subject, &secret(), deed(VALID, NOW))));
        tallies.report(&subject, Tone::Opening, NOW);
    }
    let remembered: usize = tallies.open.values().map(|tally| tally.sent.as_ref().map_or(0, |sent| sent.bundle.deeds.len())).sum();
    assert!(remembered <= MAX_DEEDS_IN_ALL + 256, "{remembered}");
    for subject in 0..=255 {
        let report = tallies.report(&subject, Tone::Closing, NOW.plus_ms(PATIENCE_MS));
        tallies.heard(&subject, &report, Tone::Closing);
    }
    assert_eq!((tallies.deeds, tallies.open.len()), (0, 0));
}

/// What happens between two edges and a guard.
#[derive(Clone, Debug)]
enum Event {
    Count(usize),
    Send(usize, bool),
    /// A message arrives; a copy may stay on its way.
    Arrive(usize, bool),
    /// The answer to a message that arrived comes back.
    Answer(usize),
    Lose(usize),
    Wait(i64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0..2usize).prop_map(Event::Count),
        (0..2usize, any::<bool>()).prop_map(|(edge, closing)| Event::Send(edge, closing)),
        (any::<usize>(), any::<bool>()).prop_map(|(message, again)| Event::Arrive(message, again)),
        any::<usize>().prop_map(Event::Answer),
        any::<usize>().prop_map(Event::Lose),
        (0..8_000i64).prop_map(Event::Wait),
    ]
}

struct Wire {
    edges: [Tallies<u8>; 2],
    counted: u64,
    rows: MemoryRows,
    now: Timestamp,
    messages: Vec<(usize, Report, Tone)>,
    arrived: Vec<(usize, Report, Tone)>,
    /// Whether the edge may decide, by the answer to a question from after its last word.
    granted: [bool; 2],
    last_words: [u64; 2],
}

impl Wire {
    fn new() -> Self {
        let edges = [Tallies::of(edge(1)), Tallies::of(edge(2))];
        Self {
            edges,
            counted: 0,
            rows: MemoryRows::default(),
            now: NOW,
            messages: Vec::new(),
            arrived: Vec::new(),
            granted: [false; 2],
            last_words: [0; 2],
        }
    }

    fn send(&mut self, edge: usize, tone: Tone) {
        let report = self.edges[edge].report(&7, tone, self.now);
        if tone == Tone::Closing {
            (self.granted[edge], self.last_words[edge]) = (false, report.number);
        }
        self.messages.push((edge, report, tone));
    }

    fn arrive(&mut self, (edge, report, tone): (usize, Report, Tone)) {
        let standing = if tone == Tone::Closing { Standing::Stopped } else { Standing::DecidesUntil(self.now.plus_ms(2_000)) };
        let Ok(()) = book::enter(&self.rows, &report, standing, self.now);
        self.arrived.push((edge, report, tone));
    }

    fn kept(&self) -> u64 {
        let Ok(contents) = book::contents(&self.rows, self.now);
        contents.hours.values().map(Counts::requests).sum()
    }

    fn take(&mut self, event: Event) {
        let pick = |index: usize, of: &Vec<_>| if of.is_empty() { None } else { Some(index % of.len()) };
        match event {
            Event::Count(edge) => {
                assert!(self.edges[edge].count_deed(&7, &secret(), deed(VALID, self.now)));
                self.counted += 1;
            }
            Event::Send(edge, closing) => self.send(edge, if closing { Tone::Closing } else { Tone::Opening }),
            Event::Arrive(message, again) => {
                if let Some(index) = pick(message, &self.messages) {
                    let message = if again { self.messages[index].clone() } else { self.messages.swap_remove(index) };
                    self.arrive(message);
                }
            }
            Event::Answer(message) => {
                if let Some(index) = pick(message, &self.arrived) {
                    let (edge, report, tone) = self.arrived.swap_remove(index);
                    self.edges[edge].heard(&7, &report, tone);
                    self.granted[edge] |= tone == Tone::Opening && report.number > self.last_words[edge];
                }
            }
            Event::Lose(message) => {
                if let Some(index) = pick(message, &self.messages) {
                    let (edge, report, _) = self.messages.swap_remove(index);
                    self.edges[edge].unheard(&7, &report);
                }
            }
            Event::Wait(ms) => self.now = self.now.plus_ms(ms),
        }
    }

    /// From here on nothing is lost, nobody asks any more, and whoever still owes a word says it.
    fn come_to_rest(&mut self) {
        for _ in 0..3 {
            self.now = self.now.plus_ms(PATIENCE_MS);
            (0..2)
                .filter(|edge| self.edges[*edge].owes(&7))
                .collect::<Vec<_>>()
                .into_iter()
                .for_each(|edge| self.send(edge, Tone::Closing));
            std::mem::take(&mut self.messages).into_iter().for_each(|message| self.arrive(message));
            for (edge, report, tone) in std::mem::take(&mut self.arrived) {
                self.edges[edge].heard(&7, &report, tone);
            }
        }
    }
}

proptest! {
    #[test]
    fn each_request_is_counted_once_whatever_is_lost_repeated_or_late(events in prop::collection::vec(event(), 0..80)) {
        let mut wire = Wire::new();
        for event in events {
            wire.take(event);
            prop_assert!(wire.kept() <= wire.counted);
        }
        wire.come_to_rest();
        prop_assert_eq!(wire.kept(), wire.counted);
        prop_assert!(wire.edges.iter().all(|edge| !edge.owes(&7)));
        let Ok(contents) = book::contents(&wire.rows, wire.now.plus_ms(1_000_000));
        prop_assert_eq!(contents.gaps, []);
    }

    #[test]
    fn what_is_missing_is_said_to_be_missing(events in prop::collection::vec(event(), 0..150)) {
        let mut wire = Wire::new();
        for event in events {
            // Nobody decides but by what a guard granted.
            if !matches!(event, Event::Count(edge) if !wire.granted[edge]) {
                wire.take(event);
            }
            // Should all edges die here.
            let Ok(contents) = book::contents(&wire.rows, wire.now.plus_ms(1_000_000));
            prop_assert!(wire.kept() == wire.counted || !contents.gaps.is_empty(), "{} of {}", wire.kept(), wire.counted);
        }
    }
}

#[test]
fn subjects_are_told_apart() {
    let mut tallies = tallies();
    let counts = HashMap::from([(1, 3), (2, 5)]);
    for (subject, count) in &counts {
        (0..*count).for_each(|_| assert!(tallies.count_deed(subject, &secret(), deed(VALID, NOW))));
    }
    for (subject, count) in counts {
        assert_eq!(counted(&tallies.report(&subject, Tone::Closing, NOW)), count);
    }
}

fn told(tallies: &mut Tallies<u8>) -> Bundle {
    tallies.report(&1, Tone::Closing, NOW).bundle.unwrap()
}

#[test]
fn permissions_are_told_with_their_last_use() {
    let mut tallies = tallies();
    let [read, update] = ["leads:read", "leads:update"].map(|text| Permission::parse(text).unwrap());
    for (permission, ms) in [(&read, 0), (&update, 1), (&read, 2)] {
        tallies.count_deed(&1, &secret(), deed(VALID, NOW.plus_ms(ms)));
        tallies.note_uses(&1, NOW.plus_ms(ms), |tell| tell(permission));
    }
    let uses: Vec<_> = told(&mut tallies).permissions.into_iter().map(|used| (used.permission, used.last_at)).collect();
    assert_eq!(uses, [(read, NOW.plus_ms(2)), (update, NOW.plus_ms(1))]);
}

#[test]
fn answers_of_the_origin_are_told_by_class_though_nothing_else_is_left_to_tell() {
    let mut tallies = tallies();
    assert!(tallies.count_deed(&1, &secret(), deed(VALID, NOW)));
    let first = tallies.report(&1, Tone::Closing, NOW);
    tallies.heard(&1, &first, Tone::Closing);
    assert!(!tallies.owes(&1));
    for class in ["2xx", "5xx", "2xx"] {
        assert!(tallies.count(&1, class, NOW));
    }
    assert!(tallies.owes(&1));
    let lines: Vec<_> = told(&mut tallies).lines.into_iter().map(|line| (line.code, line.count)).collect();
    assert_eq!(lines, [("2xx".into(), 2), ("5xx".into(), 1)]);
}

#[test]
fn what_is_done_for_users_is_told_user_by_user_and_past_some_paths_without_them() {
    let mut tallies = tallies();
    let mut act = |user: &str, path: String, code: &'static str| {
        let deed = Deed { act_as: Some(user.to_owned()), path: Some(path), ..deed(code, NOW) };
        assert!(tallies.count_deed(&1, &secret(), deed));
    };
    (0..2).for_each(|_| act("ada", "/a".to_owned(), VALID));
    act("ada", "/a".to_owned(), "RATE_LIMITED");
    for number in 0..MAX_DETAILED + 50 {
        act("eve", format!("/{number}"), VALID);
    }
    let all = told(&mut tallies).impersonations;
    let of = |user: &str| all.iter().filter(|one| one.user == user).map(|one| one.count).sum::<u64>();
    assert_eq!((of("ada"), of("eve")), (2, 250), "none is left out, and refusals are none");
    assert_eq!(all.len(), MAX_DETAILED + 1);
    assert_eq!(all.last().map(|one| (one.path.clone(), one.count)), Some((None, 51)));
}

#[test]
fn what_is_counted_without_a_secret_has_no_requests_to_remember() {
    let mut tallies = tallies();
    for code in [VALID, "EXPIRED", VALID] {
        assert!(tallies.count(&1, code, NOW));
    }
    let bundle = told(&mut tallies);
    let lines: Vec<_> = bundle.lines.iter().map(|line| (line.code.as_ref(), line.secret.is_none(), line.count)).collect();
    assert_eq!((lines, bundle.deeds), (vec![(VALID, true, 2), ("EXPIRED", true, 1)], vec![]));
}
