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
        let lines = self.lines.lock().expect("nobody ended while adding a line");
        let missing = |lines: &mut Vec<String>| !lines.iter().any(|line| is_wanted(line));
        let (lines, waited) = self.more.wait_timeout_while(lines, PATIENCE, missing).expect("nobody ended while adding a line");
        assert!(!waited.timed_out(), "the line did not come; there are {lines:?}");
        lines.clone()
    }

    /// What was told of the decisions of a request and of those before, once it is there.
    pub fn decisions_until(&self, request_id: &str) -> Vec<Value> {
        let lines = self.lines_with(|line| line.contains("\"event\":\"decision\"") && line.contains(request_id));
        lines.iter().filter_map(|line| serde_json::from_str(line).ok()).filter(|line: &Value| line["event"] == "decision").collect()
    }
}
