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
const LIMIT: usize = 600;
const WINDOW: Duration = Duration::from_secs(60);
const PER_SECOND: f64 = 100.0;

/// Offers ten times the limit, smoothly, for some windows. The first counts for the most but not for the share: what a
/// window admits depends on when the one before it did, and the first has none.
///
/// # Errors
/// When the fleet does not start, or answers something else than 200 and 429.
pub fn measure(plan: &Plan) -> Result<Vec<Row>> {
    let windows = plan.pick(5, 3);
    step::tell(&format!("  {windows} windows of {} s", WINDOW.as_secs()));
    let fleet = Runtime::latchkey(EDGES, &[])?;
    let org = given::org(fleet.edge(0)?, &json!({}))?;
    let secret = org.key(&json!({"limit": LIMIT, "window_seconds": WINDOW.as_secs()}))?.secret;
    let seen = paced::for_a_time(WINDOW * windows, &fleet.edges, &secret, PER_SECOND)?;
    ensure!(seen.iter().all(|seen| [200, 429].contains(&seen.status)), "an answer was neither 200 nor 429");

    let settled = seen.first().context("nothing was offered")?.started + WINDOW;
    let admitted: Vec<Seen> = seen.iter().filter(|seen| seen.admitted()).copied().collect();
    let after: Vec<Instant> = admitted.iter().map(|seen| seen.started).filter(|started| *started >= settled).collect();
    Ok(vec![
        Row::new(MOST, most_within(&admitted) as f64, "requests").at_most(LIMIT as f64),
        Row::of(SHARE, &shares(&after), "").at_least(0.95),
        Row::new("offered at four edges together", paced::pace(&seen), "requests/s"),
    ])
}

/// As a share of the limit, what was admitted from one whole limit to the next: they come in bursts, so a count between
/// two other moments would depend on where in a burst these lie.
fn shares(admitted: &[Instant]) -> Vec<f64> {
    let limits: Vec<Instant> = admitted.iter().step_by(LIMIT).copied().collect();
    limits.windows(2).filter_map(|pair| Some(WINDOW.as_secs_f64() / (*pair.get(1)? - *pair.first()?).as_secs_f64())).collect()
}

/// The most whose requests lie wholly within one window, wherever it starts: the edge decided somewhere between.
fn most_within(admitted: &[Seen]) -> usize {
    let within =
        |first: &Seen| admitted.iter().filter(|seen| first.started <= seen.started && seen.ended <= first.started + WINDOW).count();
    admitted.iter().map(within).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_comes_back_late_is_a_smaller_share() {
        let begun = Instant::now();
        // Three bursts of a limit each, 62 s from one to the next.
        let moment = |number: usize| begun + Duration::from_secs(62) * u32::try_from(number / LIMIT).unwrap();
        let admitted: Vec<Instant> = (0..LIMIT * 3).map(moment).collect();
        assert_eq!(shares(&admitted), [60.0 / 62.0; 2]);
    }
}
