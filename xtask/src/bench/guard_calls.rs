//! How often four edges call guards while one key is used steadily.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{Plan, given, paced, row::Row, runtime::Runtime};
use crate::step;

pub const ROWS: [&str; 2] =
    ["guard calls per 1,000 verifies at 500/s, key without limit", "guard calls per 1,000 verifies at 500/s, key with a limit"];

const EDGES: usize = 4;
const PER_SECOND: f64 = 500.0;

/// A load slower than this share of its pace would flatter nobody, but is not what the row says.
const PACE: f64 = 0.95;

/// Measures a key without a limit, and one whose limit is twice its use.
///
/// # Errors
/// When the fleet does not start or keep up.
pub fn measure(plan: &Plan) -> Result<Vec<Row>> {
    let fleet = Runtime::latchkey(EDGES, &["--faults"])?;
    let org = given::org(fleet.edge(0)?, &json!({}))?;
    let mut rows = Vec::new();
    for (what, rate_limit) in ROWS.into_iter().zip([Value::Null, json!({"limit": 60_000, "window_seconds": 60})]) {
        step::tell(&format!("  {what}"));
        let secret = org.key(&rate_limit)?.secret;
        paced::for_a_time(Duration::from_secs(plan.pick(5, 2)), &fleet.edges, &secret, PER_SECOND)?;
        fleet.edges.iter().try_for_each(|edge| edge.count_anew())?;
        let seen = paced::for_a_time(Duration::from_secs(plan.pick(30, 5)), &fleet.edges, &secret, PER_SECOND)?;
        let (mut keys, mut orgs) = (0, 0);
        for edge in &fleet.edges {
            let calls = edge.calls()?;
            keys += calls.of("guard");
            orgs += calls.of("org_guard");
        }
        let pace = paced::pace(&seen);
        ensure!(pace >= PER_SECOND * PACE, "the fleet kept up with {pace:.0} requests/s only");
        ensure!(seen.iter().all(paced::Seen::admitted), "a good key was refused");
        let per_thousand = |calls: u64| calls as f64 * 1000.0 / seen.len() as f64;
        rows.push(Row::new(what, per_thousand(keys + orgs), "calls").at_most(10.0));
        rows.push(Row::new(&format!("{what}: of them to the key's guard"), per_thousand(keys), "calls"));
    }
    Ok(rows)
}
