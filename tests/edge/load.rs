//! Requests without pause at every edge, each with the moments at which it was started and answered.

use crate::{
    client::{Edge, Response},
    given,
};
use serde_json::{Value, json};
use std::{
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

/// Successes at each edge before anything is done under the load.
const WARM: usize = 20;

/// Questions at each edge after it was done.
const AFTERWARDS: usize = 40;

/// So many questions without enough successes, and the load is not what the test means.
const HOPELESS: usize = 2_000;

/// One request that was answered.
#[derive(Clone)]
pub struct Seen {
    pub edge: usize,
    pub started: Instant,
    pub ended: Instant,
    pub tokens: u32,
    /// The code of a decision, or the status without one.
    pub code: String,
    pub mode: String,
}

impl Seen {
    pub fn passed(&self) -> bool {
        self.code == "VALID"
    }
}

/// One clock for all stamps of the process; it never goes back.
#[expect(clippy::disallowed_methods, reason = "black-box tests live in real time")]
pub fn moment() -> Instant {
    Instant::now()
}

/// One request with its stamps.
pub fn watch(number: usize, edge: &Edge, secret: &str, question: &Value) -> Seen {
    let started = moment();
    let answer = given::ask_raw(edge, secret, question.clone());
    seen(number, started, &answer, question)
}

/// The same where the edge may be gone: then there is nothing to see.
pub fn watch_what_may_end(number: usize, edge: &Edge, secret: &str, question: &Value) -> Option<Seen> {
    let started = moment();
    let mut body = question.clone();
    body["key"] = json!(secret);
    let operator = format!("Bearer {}", crate::runtime::OPERATOR_TOKEN);
    let headers = [("authorization", operator.as_str()), ("content-type", "application/json")];
    let answer = edge.try_send("POST", "/v1/verify", &headers, body.to_string().as_bytes())?;
    Some(seen(number, started, &answer, question))
}

fn seen(edge: usize, started: Instant, answer: &Response, question: &Value) -> Seen {
    let ended = moment();
    let tokens = question["cost"].as_u64().map_or(1, |cost| u32::try_from(cost).expect("a small cost"));
    let (code, mode) = if answer.status == 200 {
        let value = answer.value();
        (given::text(&value["code"]), given::text(&value["freshness"]["mode"]))
    } else {
        (answer.status.to_string(), String::new())
    };
    Seen { edge, started, ended, tokens, code, mode }
}

/// What was seen around something that was done under load.
pub struct Around<T> {
    pub seen: Vec<Seen>,
    pub begun: Instant,
    pub returned: Instant,
    pub result: T,
}

impl<T> Around<T> {
    pub fn took(&self) -> Duration {
        self.returned - self.begun
    }

    /// No success was started after the change had returned; afterwards every edge was asked, and answered `code`.
    pub fn assert_ended(&self, edges: usize, code: &str) {
        let late: Vec<_> = self.seen.iter().filter(|seen| seen.passed() && seen.started > self.returned).collect();
        let first = late.first().map(|seen| (seen.edge, seen.started - self.returned, &seen.mode));
        assert!(late.is_empty(), "{} successes were started after it had returned, the first: {first:?}", late.len());
        // Else the stamps would prove nothing: it is the waiting of the call that makes them right.
        assert!(self.seen.iter().any(|seen| seen.passed() && seen.started > self.begun), "leases were gone by meanwhile");
        for edge in 0..edges {
            let of_edge = |seen: &&Seen| seen.edge == edge;
            let leased = self.seen.iter().filter(of_edge).filter(|seen| seen.passed() && seen.mode == "leased").count();
            assert!(leased > 0, "edge {edge} went by a lease before");
            let asked: Vec<_> = self.seen.iter().filter(of_edge).filter(|seen| seen.started > self.returned).collect();
            assert!(asked.len() >= AFTERWARDS, "edge {edge} was asked {} times afterwards", asked.len());
            assert!(
                asked.iter().all(|seen| seen.code == code),
                "edge {edge} says {:?}",
                asked.iter().find(|seen| seen.code != code).map(|s| &s.code)
            );
        }
    }
}

/// Tells the askers to stop, also when the test ends with a panic.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Asks at every edge without pause; does the work once every edge has admitted; goes on asking for a while after.
pub fn under_load<T>(edges: &[Edge], secret: &str, question: &Value, work: impl FnOnce() -> T) -> Around<T> {
    let done = AtomicBool::new(false);
    let (warm, warmed) = mpsc::channel();
    thread::scope(|scope| {
        let stop = Stop(&done);
        let ask = |number: usize, edge| {
            let (warm, done) = (warm.clone(), &done);
            scope.spawn(move || ask_until(done, &warm, || watch(number, edge, secret, question)))
        };
        let askers: Vec<_> = edges.iter().enumerate().map(|(number, edge)| ask(number, edge)).collect();
        drop(warm);
        edges.iter().for_each(|_| warmed.recv().expect("every edge admits"));
        let begun = moment();
        let result = work();
        let returned = moment();
        drop(stop);
        let seen = askers.into_iter().flat_map(|asker| asker.join().expect("an asker")).collect();
        Around { seen, begun, returned, result }
    })
}

/// Asks at every edge without pause until there are so many answers; then does the work, which ends the edges, and all that
/// were answered are what was seen.
pub fn until_gone(edges: &[Edge], secret: &str, answers: usize, work: impl FnOnce()) -> Vec<Seen> {
    let count = AtomicUsize::new(0);
    thread::scope(|scope| {
        let ask = |number, edge| {
            let count = &count;
            scope.spawn(move || {
                let seen = std::iter::from_fn(|| watch_what_may_end(number, edge, secret, &json!({})));
                let counted = seen.inspect(|_| {
                    count.fetch_add(1, Ordering::SeqCst);
                });
                counted.collect::<Vec<_>>()
            })
        };
        let askers: Vec<_> = edges.iter().enumerate().map(|(number, edge)| ask(number, edge)).collect();
        while count.load(Ordering::SeqCst) < answers {
            thread::yield_now();
        }
        work();
        askers.into_iter().flat_map(|asker| asker.join().expect("an asker")).collect()
    })
}

fn ask_until(done: &AtomicBool, warm: &mpsc::Sender<()>, ask: impl Fn() -> Seen) -> Vec<Seen> {
    let (mut all, mut successes) = (Vec::new(), 0);
    while !done.load(Ordering::SeqCst) {
        let seen = ask();
        successes += usize::from(seen.passed());
        if seen.passed() && successes == WARM {
            warm.send(()).expect("somebody waits");
        }
        all.push(seen);
        assert!(successes >= WARM || all.len() < HOPELESS, "not admitted often enough");
    }
    // One more than those that are counted: the first may have been started before.
    all.extend((0..=AFTERWARDS).map(|_| ask()));
    all
}

/// The most tokens whose requests lie wholly within one span of that length, wherever it starts.
pub fn most_within(span: Duration, seen: &[Seen]) -> u32 {
    let admitted: Vec<_> = seen.iter().filter(|seen| seen.passed()).collect();
    let within = |start: Instant| {
        let inside = admitted.iter().filter(|seen| start <= seen.started && seen.ended <= start + span);
        inside.map(|seen| seen.tokens).sum()
    };
    admitted.iter().map(|seen| within(seen.started)).max().unwrap_or(0)
}

/// All tokens that were admitted.
pub fn admitted(seen: &[Seen]) -> u32 {
    seen.iter().filter(|seen| seen.passed()).map(|seen| seen.tokens).sum()
}
