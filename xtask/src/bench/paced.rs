//! Requests at a steady pace, spread evenly over the edges of a fleet, each with the moments of its start and answer.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};

use super::client::Edge;

/// One answered request.
#[derive(Clone, Copy)]
pub struct Seen {
    pub edge: usize,
    pub started: Instant,
    pub ended: Instant,
    pub status: u16,
}

impl Seen {
    pub const fn admitted(&self) -> bool {
        self.status == 200
    }
}

/// Asks at each edge from its own thread, all together `per_second` times, until `done`. A request that was slow is made
/// up for: the pace is that of the schedule, not of the answers.
///
/// # Errors
/// When an edge does not answer.
pub fn until(done: &AtomicBool, edges: &[Edge], secret: &str, per_second: f64) -> Result<Vec<Seen>> {
    let pause = Duration::from_secs_f64(edges.len() as f64 / per_second);
    let begun = Instant::now();
    let asker = |number: usize, edge: &Edge| -> Result<Vec<Seen>> {
        let edge = edge.apart();
        // Each at its own time within the pause: smooth over the whole fleet, too.
        let mut next = begun + pause.mul_f64(number as f64 / edges.len() as f64);
        let mut all = Vec::new();
        while !done.load(Ordering::SeqCst) {
            thread::sleep(next.saturating_duration_since(Instant::now()));
            next += pause;
            let started = Instant::now();
            let status = edge.auth(secret)?;
            all.push(Seen { edge: number, started, ended: Instant::now(), status });
        }
        Ok(all)
    };
    let all: Result<Vec<Vec<Seen>>> = thread::scope(|scope| {
        let askers: Vec<_> = edges.iter().enumerate().map(|(number, edge)| scope.spawn(move || asker(number, edge))).collect();
        askers.into_iter().map(|asker| asker.join().map_err(|_| anyhow!("an asker failed"))?).collect()
    });
    let mut all = all?.concat();
    all.sort_by_key(|seen| seen.started);
    Ok(all)
}

/// The same for a time.
///
/// # Errors
/// As above.
pub fn for_a_time(time: Duration, edges: &[Edge], secret: &str, per_second: f64) -> Result<Vec<Seen>> {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(time);
            done.store(true, Ordering::SeqCst);
        });
        until(&done, edges, secret, per_second)
    })
}

/// How many were made in a second, as it came out.
pub fn pace(seen: &[Seen]) -> f64 {
    let span = seen.first().zip(seen.last()).map_or(0.0, |(first, last)| (last.started - first.started).as_secs_f64());
    if span > 0.0 { seen.len() as f64 / span } else { 0.0 }
}
