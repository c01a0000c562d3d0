//! `GET /v1/whoami`: what a key is, asked by who holds it.

use super::{
    call::Call,
    decision::Document,
    key_holder,
    problem::Problem,
    reply::Reply,
    witness::{self, Sighting, Surface},
};
use crate::{
    decision::{facts::Ask, verdict::Denial},
    service::verify,
};

/// Answers 200 with the decision that a verify would come to, for nothing: no token is spent, nothing is counted. A limit that is
/// used up is told, too.
///
/// # Errors
/// The refusal of a key that cannot be used at all, or not from here; or no decision.
pub async fn whoami(call: &Call<'_>) -> Result<Reply, Problem> {
    judge(call).await.map_err(key_holder::named)
}

async fn judge(call: &Call<'_>) -> Result<Reply, Problem> {
    let [authorization] = call.inbound.fields(["authorization"]);
    let key = key_holder::read(call, authorization.as_deref())?;
    let ask = Ask { peek: true, ..call.ask() };
    let decision = verify::verify(call.ports, call.memory, key.expose(), &ask).await?;
    witness::tell(call, &Sighting { surface: Surface::Whoami, index: None, credential: key.expose(), ask: &ask, decision: &decision });
    match &decision.outcome {
        Err(denial) if !matches!(denial, Denial::RateLimited { .. }) => Err(key_holder::refusal(&decision, denial)),
        _ => Ok(Reply::json(200, &Document::of(&decision, &ask, false, call.request_id))),
    }
}
