//! How much of a limit four edges admit together when ten times as much is offered.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::{
    Plan, given,
    paced::{self, Seen},
    row::Row,
    runtime::Runtime,
};
use crate::step;

const MOST: &str = "most admitted in any 60 s, limit 600, offered 6000";
const SHARE: &str = "share of the limit that is admitted, after the first window";

pub const ROWS: [&str; 2] = [MOST, SHARE];

const EDGES: usize = 4;
const LIMIT: u32 = 600;
const WINDOW: Duration = Duration::from_secs(60);
const PER_SECOND: f64 = 100.0;

/// Offers ten times the limit, smoothly, for some windows. The first counts for the most but not for the share: what a
/// window admits depends on when the one before it did, and the first has none.
///
/// # Errors
/// When the fleet does not start, or answers something else than 200 and 429.
pub fn measure(plan: &Plan) -> Result<Vec<Row>> {
    let windows = plan.pick(4, 2);
    step::tell(&format!("  {windows} windows of {} s", WINDOW.as_secs()));
    let fleet = Runtime::latchkey(EDGES, &[])?;
    let org = given::org(fleet.edge(0)?, &json!({}))?;
    let secret = org.key(&json!({"limit": LIMIT, "window_seconds": WINDOW.as_secs()}))?.secret;
    let seen = paced::for_a_time(WINDOW * windows, &fleet.edges, &secret, PER_SECOND)?;
    ensure!(seen.iter().all(|seen| [200, 429].contains(&seen.status)), "an answer was neither 200 nor 429");

    let (first, last) = seen.first().zip(seen.last()).context("nothing was offered")?;
    let settled = first.started + WINDOW;
    let admitted: Vec<Seen> = seen.iter().filter(|seen| seen.admitted()).copied().collect();
    let spans = spans(&admitted, settled, last.ended);
    let after = admitted.iter().filter(|seen| seen.started >= settled).count();
    let share = |count: f64, windows: f64| count / (f64::from(LIMIT) * windows);
    let (least, most) = (spans.iter().min().copied().unwrap_or(0), spans.iter().max().copied().unwrap_or(0));
    Ok(vec![
        Row::new(MOST, most_within(&admitted) as f64, "requests").at_most(LIMIT.into()),
        Row {
            spread: Some([share(least as f64, 1.0), share(most as f64, 1.0)]),
            ..Row::new(SHARE, share(after as f64, (last.ended - settled).as_secs_f64() / WINDOW.as_secs_f64()), "").at_least(0.95)
        },
        Row::new("offered at four edges together", paced::pace(&seen), "requests/s"),
    ])
}

/// The most whose requests lie wholly within one window, wherever it starts: the edge decided somewhere between.
fn most_within(admitted: &[Seen]) -> usize {
    let within =
        |first: &Seen| admitted.iter().filter(|seen| first.started <= seen.started && seen.ended <= first.started + WINDOW).count();
    admitted.iter().map(within).max().unwrap_or(0)
}

/// How many were started in each whole window between the two, one for each second.
fn spans(admitted: &[Seen], from: Instant, to: Instant) -> Vec<usize> {
    let starts = (0..).map(|second| from + Duration::from_secs(second)).take_while(|start| *start + WINDOW <= to);
    starts.map(|start| admitted.iter().filter(|seen| (start..start + WINDOW).contains(&seen.started)).count()).collect()
}
