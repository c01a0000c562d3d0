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

const AUTH_CPU: &str = "hot /v1/auth: CPU over an empty JavaScript worker";
const VERIFY_CPU: &str = "hot /v1/verify: CPU over an empty JavaScript worker";
const OVER_RUST: &str = "hot /v1/auth: throughput over an empty Rust worker";
const BARE_AUTH_CPU: &str = "/v1/auth answered without a decision: CPU over an empty JavaScript worker";
const BARE_VERIFY_CPU: &str = "/v1/verify answered without a decision: CPU over an empty JavaScript worker";
const BAD_ON_AUTH: &str = "bad checksum on /v1/auth: CPU over a hot verify there";
const BAD_ON_VERIFY: &str = "bad checksum on /v1/verify: CPU over a hot verify there";

pub const JAVASCRIPT: &str = "empty JavaScript worker";
const RUST: &str = "empty Rust worker";
const BARE_AUTH: &str = "/v1/auth, nothing decided";
const BARE_VERIFY: &str = "/v1/verify, nothing decided";
const AUTH: &str = "hot /v1/auth";
const VERIFY: &str = "hot /v1/verify";
const BAD_AUTH: &str = "bad checksum on /v1/auth";
const BAD_VERIFY: &str = "bad checksum on /v1/verify";
const LIMITED: &str = "limited on /v1/auth (429)";

/// What they may cost over the empty JavaScript worker.
const AUTH_MOST: f64 = 1.3;
const VERIFY_MOST: f64 = 1.8;

pub const LOADS: [&str; 9] = [JAVASCRIPT, RUST, BARE_AUTH, AUTH, BARE_VERIFY, VERIFY, BAD_AUTH, BAD_VERIFY, LIMITED];

pub const ROWS: [&str; 16] = [
    AUTH_CPU,
    VERIFY_CPU,
    OVER_RUST,
    BAD_ON_AUTH,
    BAD_ON_VERIFY,
    BARE_AUTH_CPU,
    BARE_VERIFY_CPU,
    JAVASCRIPT,
    RUST,
    BARE_AUTH,
    AUTH,
    BARE_VERIFY,
    VERIFY,
    BAD_AUTH,
    BAD_VERIFY,
    LIMITED,
];

/// Measures all of them in each round.
///
/// # Errors
/// When a worker does not start, or does not answer as it should.
pub fn measure(plan: &Plan) -> Result<Vec<Row>> {
    let yardstick = build::yardstick()?;
    let javascript = Runtime::lone(&project::root().join("bench/empty.js"), None)?;
    let bare = Runtime::lone(&project::root().join("bench/answers.js"), None)?;
    let rust = Runtime::lone(&yardstick.join("index.js"), Some(&yardstick.join("index_bg.wasm")))?;
    let latchkey = Runtime::latchkey(1, &[])?;
    let targets = targets(&javascript, &rust, &bare, &latchkey)?;

    let length = Length::Seconds { warmup: 1, measured: plan.pick(4, 1) };
    let mut outcomes: [Vec<Outcome>; 9] = Default::default();
    for round in 1..=plan.rounds {
        step::tell(&format!("  round {round} of {}", plan.rounds));
        for (target, outcomes) in targets.iter().zip(&mut outcomes) {
            outcomes.push(load::run(target, &length)?);
        }
    }
    let mut rows = compared(&outcomes);
    for (name, outcomes) in LOADS.iter().zip(&outcomes) {
        rows.extend(explained(name, outcomes));
    }
    Ok(rows)
}

/// What a load may cost over the empty JavaScript worker, where that has a bar.
pub fn limit(load: &str) -> Option<f64> {
    [(AUTH, AUTH_MOST), (VERIFY, VERIFY_MOST)].into_iter().find_map(|(name, most)| (name == load).then_some(most))
}

fn targets(javascript: &Runtime, rust: &Runtime, bare: &Runtime, latchkey: &Runtime) -> Result<[Target; 9]> {
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
        target(bare, load::auth(&secret), 200)?,
        target(latchkey, load::auth(&secret), 200)?,
        target(bare, load::verify(&caller, &secret), 200)?,
        target(latchkey, load::verify(&caller, &secret), 200)?,
        target(latchkey, load::auth(&mistyped), 401)?,
        target(latchkey, load::verify(&caller, &mistyped), 200)?,
        target(latchkey, load::auth(&limited), 429)?,
    ])
}

fn compared(outcomes: &[Vec<Outcome>; 9]) -> Vec<Row> {
    let [javascript, rust, bare_auth, auth, bare_verify, verify, bad_auth, bad_verify, _] = outcomes;
    let cpu = |of, over| ratios(&cpu(of), &cpu(over));
    let throughput = ratios(&series(auth, |outcome| outcome.requests_per_second), &series(rust, |outcome| outcome.requests_per_second));
    vec![
        Row::of(AUTH_CPU, &cpu(auth, javascript), "×").at_most(AUTH_MOST),
        Row::of(VERIFY_CPU, &cpu(verify, javascript), "×").at_most(VERIFY_MOST),
        Row::of(OVER_RUST, &throughput, "×").at_least(1.0),
        Row::of(BAD_ON_AUTH, &cpu(bad_auth, auth), "×").at_most(1.0),
        Row::of(BAD_ON_VERIFY, &cpu(bad_verify, verify), "×").at_most(1.0),
        Row::of(BARE_AUTH_CPU, &cpu(bare_auth, javascript), "×"),
        Row::of(BARE_VERIFY_CPU, &cpu(bare_verify, javascript), "×"),
    ]
}

/// What a load came to in itself.
pub fn explained(name: &str, outcomes: &[Outcome]) -> Vec<Row> {
    vec![
        Row::of(&format!("{name}: CPU"), &cpu(outcomes), "µs/request"),
        Row::of(&format!("{name}: throughput"), &series(outcomes, |outcome| outcome.requests_per_second), "requests/s"),
        Row::of(&format!("{name}: median latency"), &series(outcomes, |outcome| outcome.p50_ms), "ms"),
        Row::of(&format!("{name}: 90 % within"), &series(outcomes, |outcome| outcome.p90_ms), "ms"),
        Row::of(&format!("{name}: 99 % within"), &series(outcomes, |outcome| outcome.p99_ms), "ms"),
    ]
}

/// What workerd used for a request, in each round.
pub fn cpu(outcomes: &[Outcome]) -> Vec<f64> {
    series(outcomes, |outcome| outcome.cpu_us_per_request)
}

fn series(outcomes: &[Outcome], of: impl Fn(&Outcome) -> f64) -> Vec<f64> {
    outcomes.iter().map(of).collect()
}
