//! Importing keys by their hash.

use serde::Serialize;

use crate::{
    http::{
        body,
        call::Call,
        problem::{self, Problem},
        reply::Reply,
    },
    key::view::KeyView,
    service::keys,
    usage::recent,
};

#[derive(Serialize)]
struct Results<'a> {
    results: Vec<Imported<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Imported<'a> {
    Done { index: usize, key: KeyView<'a> },
    Refused { index: usize, error: problem::Document<'a> },
}

/// Takes over keys that were issued elsewhere: a result for each, in order.
///
/// # Errors
/// A body that is not a list, 404, or an outage.
pub async fn import_keys(call: &Call<'_>) -> Result<Reply, Problem> {
    let body = body::json(call)?;
    let imported = keys::import(call.ports, call.memory, call.param("org"), &body, call.author()).await?;
    let now = call.ports.clock.now();
    let outcomes: Vec<_> = imported.into_iter().map(|result| result.map_err(Problem::from)).collect();
    let results = outcomes.iter().enumerate().map(|(index, outcome)| match outcome {
        Ok(key) => Imported::Done { index, key: recent::shown(key, None, now) },
        Err(problem) => Imported::Refused { index, error: problem.document(call.inbound.origin(), call.request_id) },
    });
    Ok(Reply::json(200, &Results { results: results.collect() }))
}
