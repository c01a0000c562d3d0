//! Whether a revoked key is refused from the moment in which the call returns, and how long the call takes.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, ensure};
use serde_json::{Value, json};

use super::{
    Plan, given,
    paced::{self, Seen},
    row::Row,
    runtime::Runtime,
    spread::Spread,
};
use crate::step;

const LATE: &str = "successes that start after revoke has returned";
const SLOWEST: &str = "slowest return of a revoke";
const MEDIAN: &str = "median return of a revoke";

pub const ROWS: [&str; 3] = [LATE, SLOWEST, MEDIAN];

const EDGES: usize = 4;
/// Enough that every edge holds a lease all the time, and not so much that the machine is what is measured.
const PER_SECOND: f64 = 400.0;
const LEASE_MS: f64 = 2_000.0;
/// Before each revoke, so that every edge has a lease; after it, so that a success would be seen.
const BEFORE: Duration = Duration::from_millis(700);
const AFTER: Duration = Duration::from_millis(300);

/// Revokes one key after another, each from another edge, while all are asked about it.
///
/// # Errors
/// When the fleet does not start, or the load was not what it should have been.
pub fn measure(plan: &Plan) -> Result<Vec<Row>> {
    let fleet = Runtime::latchkey(EDGES, &[])?;
    let org = given::org(fleet.edge(0)?, &json!({}))?;
    let count = plan.pick(50, 4);
    let (mut late, mut times) = (0, Vec::new());
    for (number, from) in (1..=count).zip(fleet.edges.iter().cycle()) {
        if number % 10 == 1 {
            step::tell(&format!("  revoke {number} of {count}"));
        }
        // Every other key has a limit: its leases are another kind.
        let limit = if number % 2 == 0 { Value::Null } else { json!({"limit": 1_000_000, "window_seconds": 60}) };
        let key = org.key(&limit)?;
        let done = AtomicBool::new(false);
        let (seen, begun, returned) = thread::scope(|scope| -> Result<_> {
            let load = scope.spawn(|| paced::until(&done, &fleet.edges, &key.secret, PER_SECOND));
            thread::sleep(BEFORE);
            let begun = Instant::now();
            let revoked = org.revoke(from, &key);
            let returned = Instant::now();
            thread::sleep(AFTER);
            done.store(true, Ordering::SeqCst);
            revoked?;
            Ok((load.join().map_err(|_| anyhow!("the load failed"))??, begun, returned))
        })?;
        check(&seen, begun, returned)?;
        late += seen.iter().filter(|seen| seen.admitted() && seen.started > returned).count();
        times.push((returned - begun).as_secs_f64() * 1000.0);
    }
    let Spread { least, median, most } = Spread::of(&times);
    let row = |what, value| Row { spread: Some([least, most]), ..Row::new(what, value, "ms") };
    Ok(vec![Row::new(LATE, late as f64, "requests").at_most(0.0), row(SLOWEST, most).at_most(LEASE_MS + 500.0), row(MEDIAN, median)])
}

/// The count would prove nothing if an edge had not admitted before, or was not asked afterwards.
fn check(seen: &[Seen], begun: Instant, returned: Instant) -> Result<()> {
    for edge in 0..EDGES {
        let of_edge = || seen.iter().filter(|seen| seen.edge == edge);
        ensure!(of_edge().any(|seen| seen.admitted() && seen.started < begun), "edge {edge} admitted nothing before the revoke");
        ensure!(of_edge().any(|seen| seen.started > returned), "edge {edge} was not asked after the revoke");
    }
    Ok(())
}
