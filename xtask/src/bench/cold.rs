//! What the first request for a key costs at an edge that has never seen it.
//!
//! The stores are simulators in the same process, so their work is in the figure: it is of use to compare with itself.

use anyhow::Result;
use serde_json::json;

use super::{
    Plan, given, hot,
    load::{self, CONNECTIONS, Length, Outcome, Target},
    row::Row,
    runtime::Runtime,
};
use crate::step;

const NAME: &str = "cold /v1/auth";

pub const ROWS: [&str; 1] = [NAME];

/// Asks once about each of many keys in each round.
///
/// # Errors
/// When the fleet does not start, or a key is not good.
pub fn measure(plan: &Plan) -> Result<Vec<Row>> {
    // Keys are made at the first edge and asked about at the second, which has heard of none of them.
    let fleet = Runtime::latchkey(2, &[])?;
    let org = given::org(fleet.edge(0)?, &json!({}))?;
    let each = CONNECTIONS * plan.pick(20, 5);
    let mut outcomes: Vec<Outcome> = Vec::new();
    for round in 1..=plan.rounds {
        step::tell(&format!("  round {round} of {}: {each} keys", plan.rounds));
        let requests = org.secrets(each)?.iter().map(|secret| load::auth(secret)).collect();
        let target = Target { url: fleet.edge(1)?.url.clone(), workerd: fleet.workerd, requests, status: 200 };
        outcomes.push(load::run(&target, &Length::EachOnce)?);
    }
    Ok(hot::explained(NAME, &outcomes))
}
