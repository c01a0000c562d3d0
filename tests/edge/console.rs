//! What the workers of a fleet wrote to their console, line by line, and a way to wait for a line.

use std::{
    sync::{Condvar, Mutex},
    time::Duration,
};

use serde_json::Value;

/// A line that has not come after this long does not come.
const PATIENCE: Duration = Duration::from_secs(30);

/// The lines so far.
#[derive(Default)]
pub struct Console {
    lines: Mutex<Vec<String>>,
    more: Condvar,
}

impl Console {
    /// Takes a line.
    pub fn add(&self, line: String) {
        self.lines.lock().expect("nobody ended while adding a line").push(line);
        self.more.notify_all();
    }

    /// All lines, once there is one that is wanted.
    pub fn lines_with(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
        self.lines_with_some(1, is_wanted)
    }

    /// What was told of the decisions of a request, once there are so many.
    pub fn decisions_of(&self, request_id: &str, count: usize) -> Vec<Value> {
        let is_one = |line: &str| line.starts_with("{\"event\":\"decision\"") && line.contains(request_id);
        let lines = self.lines_with_some(count, is_one);
        lines.iter().filter(|line| is_one(line)).map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    fn lines_with_some(&self, count: usize, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let lines = self.lines.lock().expect("nobody ended while adding a line");
        let missing = |lines: &mut Vec<String>| lines.iter().filter(|line| is_wanted(line)).count() < count;
        let (lines, waited) = self.more.wait_timeout_while(lines, PATIENCE, missing).expect("nobody ended while adding a line");
        assert!(!waited.timed_out(), "the line did not come; there are {lines:?}");
        lines.clone()
    }
}
