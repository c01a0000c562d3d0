//! A closed loop of 32 kept connections, by autocannon: as fast as the worker answers.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::{project, tools};

pub const CONNECTIONS: usize = 32;

/// A load with less than this share of the expected status did not measure what its row says.
const EXPECTED: f64 = 0.99;

/// What is asked of whom.
pub struct Target {
    pub url: String,
    /// The runtime's process.
    pub workerd: u32,
    pub requests: Vec<Value>,
    /// The status that the answers have.
    pub status: u16,
}

/// For how long.
pub enum Length {
    Seconds {
        warmup: u32,
        measured: u32,
    },
    /// Each request exactly once, without warm-up.
    EachOnce,
}

/// What came of it.
pub struct Outcome {
    pub requests_per_second: f64,
    pub cpu_us_per_request: f64,
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p99_ms: f64,
}

/// `GET /v1/auth` with this key.
pub fn auth(secret: &str) -> Value {
    json!({"method": "GET", "path": "/v1/auth", "headers": {"authorization": format!("Bearer {secret}")}})
}

/// `POST /v1/verify` about this key, asked by this caller.
pub fn verify(caller: &str, secret: &str) -> Value {
    json!({
        "method": "POST",
        "path": "/v1/verify",
        "headers": {"authorization": format!("Bearer {caller}"), "content-type": "application/json"},
        "body": json!({"key": secret}).to_string(),
    })
}

/// Loads the target.
///
/// # Errors
/// When the load cannot be made, or the answers are not the ones expected.
pub fn run(target: &Target, length: &Length) -> Result<Outcome> {
    let mut spec = json!({
        "url": target.url, "pid": target.workerd, "connections": CONNECTIONS, "requests": target.requests, "warmup_seconds": 0,
    });
    match length {
        Length::Seconds { warmup, measured } => {
            spec["warmup_seconds"] = json!(warmup);
            spec["seconds"] = json!(measured);
        }
        Length::EachOnce => spec["each_once"] = json!(true),
    }
    let told = fire(&spec)?;
    let number = |name: &str| told[name].as_f64().with_context(|| format!("the load told no {name}"));
    let (requests, seconds) = (number("requests")?, number("seconds")?);
    ensure!(number("errors")? == 0.0, "{} requests of {requests} were not answered", told["errors"]);
    let expected = told["statuses"][target.status.to_string()].as_f64().unwrap_or(0.0);
    if requests == 0.0 || expected < requests * EXPECTED {
        bail!("expected status {}, got {}", target.status, told["statuses"]);
    }
    Ok(Outcome {
        requests_per_second: requests / seconds,
        cpu_us_per_request: number("cpu_us")? / requests,
        p50_ms: number("p50_ms")?,
        p90_ms: number("p90_ms")?,
        p99_ms: number("p99_ms")?,
    })
}

fn fire(spec: &Value) -> Result<Value> {
    let mut node: Command = tools::npm::command("node");
    node.current_dir(project::root()).arg("xtask/runtime/load.mjs").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = node.spawn().context("Node does not start")?;
    child.stdin.take().context("Node has no input")?.write_all(spec.to_string().as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "the load failed ({})", output.status);
    serde_json::from_slice(&output.stdout).context("the load told no result")
}
