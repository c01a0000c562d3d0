//! Whether the deployment is alive, and whether it can do its work.

use futures_util::future::join3;
use serde_json::json;

use super::{call::Call, problem::Problem, problem_catalog as catalog, reply::Reply};
use crate::ports::Outage;

/// Alive: nothing outside is asked.
///
/// # Errors
/// None.
pub async fn healthz(_call: &Call<'_>) -> Result<Reply, Problem> {
    Ok(Reply::json(200, &json!({ "status": "ok" })))
}

/// Ready: ledger, index and guards answer, and the settings are good.
///
/// # Errors
/// 503 that names what is not ready.
pub async fn readyz(call: &Call<'_>) -> Result<Reply, Problem> {
    let ports = call.ports;
    let (ledger, index, guards) = join3(ports.ledger.check(), ports.index.check(), ports.guards.check()).await;
    let settings = call.config.problem().map_or(Ok(()), |cause| Err(Outage::Configuration { cause }));
    let checks = [("d1", ledger), ("kv", index), ("guard", guards), ("settings", settings)];
    let failed: Vec<&str> = checks.iter().filter(|(_, check)| check.is_err()).map(|(name, _)| *name).collect();
    let states: serde_json::Map<_, _> =
        checks.iter().map(|(name, check)| ((*name).to_owned(), json!(if check.is_ok() { "ok" } else { "failed" }))).collect();
    if failed.is_empty() {
        return Ok(Reply::json(200, &json!({ "status": "ready", "checks": states })));
    }
    let said = format!("not ready: {}", failed.join(", "));
    let causes: Vec<String> = checks.iter().filter_map(|(_, check)| check.as_ref().err()).map(ToString::to_string).collect();
    Err(Problem::new(&catalog::UNAVAILABLE, said).member("checks", states).with("Retry-After", "1").because(causes.join("; ")))
}
