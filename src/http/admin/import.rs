//! Importing keys by their hash.

use serde_json::{Value, json};

use crate::{
    http::{body, call::Call, problem::Problem, reply::Reply},
    service::keys,
};

/// Takes over keys that were issued elsewhere: a result for each, in order.
///
/// # Errors
/// A body that is not a list, 404, or an outage.
pub async fn import_keys(call: &Call<'_>) -> Result<Reply, Problem> {
    let body = body::json(call)?;
    let imported = keys::import(call.ports, call.memory, call.param("org"), &body, call.author()).await?;
    let now = call.ports.clock.now();
    let results: Vec<Value> = imported
        .into_iter()
        .enumerate()
        .map(|(index, result)| match result {
            Ok(key) => json!({ "index": index, "key": key.view(now) }),
            Err(failure) => {
                let problem = Problem::from(failure);
                json!({ "index": index, "error": problem.document(call.inbound.origin(), call.request_id) })
            }
        })
        .collect();
    Ok(Reply::json(200, &json!({ "results": results })))
}
