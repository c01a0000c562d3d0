//! What a decision costs beside workers that decide nothing: each in a runtime of its own, taking turns.

use anyhow::Result;
use serde_json::{Value, json};

use super::{
    Plan, given,
    load::{self, Length, Outcome, Target},
    row::Row,
    runtime::Runtime,
    spread::ratios,
};
use crate::{build, project, step};

pub const ROWS: [&str; 5] = [
    "hot /v1/auth: CPU over an empty JavaScript worker",
    "hot /v1/verify: CPU over an empty JavaScript worker",
    "hot /v1/auth: throughput over an empty Rust worker",
    "bad checksum on /v1/auth: CPU over a hot verify there",
    "bad checksum on /v1/verify: CPU over a hot verify there",
];

const NAMES: [&str; 7] = [
    "empty JavaScript worker",
    "empty Rust worker",
    "hot /v1/auth",
    "hot /v1/verify",
    "bad checksum on /v1/auth",
    "bad checksum on /v1/verify",
    "limited on /v1/auth (429)",
];

/// Measures all of them in each round.
///
/// # Errors
/// When a worker does not start, or does not answer as it should.
pub fn measure(plan: &Plan) -> Result<Vec<Row>> {
    let yardstick = build::yardstick()?;
    let javascript = Runtime::lone(&project::root().join("bench/empty.js"), None)?;
    let rust = Runtime::lone(&yardstick.join("index.js"), Some(&yardstick.join("index_bg.wasm")))?;
    let latchkey = Runtime::latchkey(1, &[])?;
    let targets = targets(&javascript, &rust, &latchkey)?;

    let length = Length::Seconds { warmup: 1, measured: plan.pick(4, 1) };
    let mut outcomes: [Vec<Outcome>; 7] = Default::default();
    for round in 1..=plan.rounds {
        step::tell(&format!("  round {round} of {}", plan.rounds));
        for (target, outcomes) in targets.iter().zip(&mut outcomes) {
            outcomes.push(load::run(target, &length)?);
        }
    }
    let mut rows = compared(&outcomes);
    for (name, outcomes) in NAMES.iter().zip(&outcomes) {
        rows.extend(explained(name, outcomes));
    }
    Ok(rows)
}

fn targets(javascript: &Runtime, rust: &Runtime, latchkey: &Runtime) -> Result<[Target; 7]> {
    let edge = latchkey.edge(0)?;
    let org = given::org(edge, &json!({}))?;
    let secret = org.key(&Value::Null)?.secret;
    // One a minute: after the first request everything is refused.
    let limited = org.key(&json!({"limit": 1, "window_seconds": 60}))?.secret;
    let (caller, mistyped) = (given::service_key(edge)?, given::mistyped(&secret));
    let target = |runtime: &Runtime, request: Value, status| -> Result<Target> {
        Ok(Target { url: runtime.edge(0)?.url.clone(), workerd: runtime.workerd, requests: vec![request], status })
    };
    let empty = json!({"method": "GET", "path": "/"});
    Ok([
        target(javascript, empty.clone(), 200)?,
        target(rust, empty, 200)?,
        target(latchkey, load::auth(&secret), 200)?,
        target(latchkey, load::verify(&caller, &secret), 200)?,
        target(latchkey, load::auth(&mistyped), 401)?,
        target(latchkey, load::verify(&caller, &mistyped), 200)?,
        target(latchkey, load::auth(&limited), 429)?,
    ])
}

fn compared(outcomes: &[Vec<Outcome>; 7]) -> Vec<Row> {
    let [javascript, rust, auth, verify, bad_auth, bad_verify, _] = outcomes;
    let cpu = |of, over| ratios(&series(of, |outcome| outcome.cpu_us_per_request), &series(over, |outcome| outcome.cpu_us_per_request));
    let throughput = ratios(&series(auth, |outcome| outcome.requests_per_second), &series(rust, |outcome| outcome.requests_per_second));
    let [auth_cpu, verify_cpu, over_rust, bad_on_auth, bad_on_verify] = ROWS;
    vec![
        Row::of(auth_cpu, &cpu(auth, javascript), "×").at_most(1.3),
        Row::of(verify_cpu, &cpu(verify, javascript), "×").at_most(1.8),
        Row::of(over_rust, &throughput, "×").at_least(1.0),
        Row::of(bad_on_auth, &cpu(bad_auth, auth), "×").at_most(1.0),
        Row::of(bad_on_verify, &cpu(bad_verify, verify), "×").at_most(1.0),
    ]
}

/// What a load came to in itself.
pub fn explained(name: &str, outcomes: &[Outcome]) -> Vec<Row> {
    vec![
        Row::of(&format!("{name}: CPU"), &series(outcomes, |outcome| outcome.cpu_us_per_request), "µs/request"),
        Row::of(&format!("{name}: throughput"), &series(outcomes, |outcome| outcome.requests_per_second), "requests/s"),
        Row::of(&format!("{name}: median latency"), &series(outcomes, |outcome| outcome.p50_ms), "ms"),
        Row::of(&format!("{name}: 90 % within"), &series(outcomes, |outcome| outcome.p90_ms), "ms"),
        Row::of(&format!("{name}: 99 % within"), &series(outcomes, |outcome| outcome.p99_ms), "ms"),
    ]
}

fn series(outcomes: &[Outcome], of: impl Fn(&Outcome) -> f64) -> Vec<f64> {
    outcomes.iter().map(of).collect()
}
