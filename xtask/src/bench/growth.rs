//! Whether a decision costs more the more keys an isolate holds in its memory.
//!
//! Leases last as long as they may: a key that is asked about every half a second renews its lease as often as it is
//! asked about, and the figure would be that of guards.

use std::{thread, time::Duration};

use anyhow::Result;
use serde_json::json;

use super::{
    Plan, given, hot,
    load::{self, Length, Outcome, Target},
    row::Row,
    runtime::Runtime,
    spread::ratios,
};
use crate::step;

/// An isolate remembers many more, but each guard keeps two files open in the local runtime, and systems allow so many.
const KEYS: [usize; 3] = [1, 1_000, 5_000];

/// Keys that nobody asks about any more settle within ten seconds, thousands at about the same time, with guards that are in
/// the same process here: that is not what is measured.
const SETTLED: Duration = Duration::from_secs(15);

const MORE: &str = "5000 hot keys: CPU over 1 hot key";

pub const ROWS: [&str; 4] = ["1 hot key", "1000 hot keys", "5000 hot keys", MORE];

/// Measures the same load over one key and over many.
///
/// # Errors
/// When the fleet does not start, or a key is not good.
pub fn measure(plan: &Plan) -> Result<Vec<Row>> {
    let fleet = Runtime::latchkey(1, &[])?;
    let edge = fleet.edge(0)?;
    let org = given::org(edge, &json!({"consistency": {"mode": "leased", "lease_ms": 30_000}}))?;
    let count = |keys: usize| plan.pick(keys, keys.min(1_500));
    step::tell("  making the keys");
    let secrets = org.secrets(KEYS.into_iter().map(count).max().unwrap_or(1))?;
    let target = |keys: usize| -> Target {
        let requests = secrets.iter().take(count(keys)).map(|secret| load::auth(secret)).collect();
        Target { url: edge.url.clone(), workerd: fleet.workerd, requests, status: 200 }
    };
    let mut outcomes: [Vec<Outcome>; 3] = Default::default();
    for round in 1..=plan.rounds {
        step::tell(&format!("  round {round} of {}", plan.rounds));
        for (keys, outcomes) in KEYS.into_iter().zip(&mut outcomes) {
            let target = target(keys);
            if target.requests.len() > load::CONNECTIONS {
                // A first request asks the guard, a second takes the lease.
                load::run(&target, &Length::EachOnce)?;
                load::run(&target, &Length::EachOnce)?;
            }
            outcomes.push(load::run(&target, &Length::Seconds { warmup: 1, measured: plan.pick(4, 1) })?);
            thread::sleep(SETTLED);
        }
    }
    let [one, .., most] = outcomes.each_ref().map(|outcomes| hot::cpu(outcomes));
    let mut rows = vec![Row::of(MORE, &ratios(&most, &one), "×")];
    rows.extend(ROWS.iter().zip(&outcomes).flat_map(|(name, outcomes)| hot::explained(name, outcomes)));
    Ok(rows)
}
