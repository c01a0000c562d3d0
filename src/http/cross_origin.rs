//! CORS (Fetch, section 3.3) for the routes of the playground alone: docs on other sites ask for test tokens there. Only from
//! origins that the organization's policy lists, and never with what a browser adds by itself: no cookie is taken.

use super::{answer::Answer, call::Call, flood, problem::Problem, reply::Reply, route_table::Operation};
use crate::{ports::Flood, service::docs};

/// How long a browser may remember what it may ask, in seconds.
const MAX_AGE: &str = "600";

impl Operation {
    /// Whether pages of other origins may ask for it.
    #[must_use]
    pub fn crosses_origins(self) -> bool {
        matches!(self, Self::CreatePlaygroundKey | Self::RevokePlaygroundKey)
    }
}

/// The outcome of such an operation, with what a browser needs to show it to the page that asked.
///
/// # Errors
/// The problem that it came to.
pub async fn told(call: &Call<'_>, outcome: Result<Answer, Problem>) -> Result<Answer, Problem> {
    let fields = match listed(call).await {
        Some(origin) => vec![
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Expose-Headers", "ETag, Location, Retry-After, WWW-Authenticate, X-Request-Id".to_owned()),
        ],
        None => Vec::new(),
    };
    let fields = fields.into_iter().chain([("Vary", "Origin".to_owned())]);
    match outcome {
        Ok(Answer::Made(reply)) => Ok(Answer::Made(fields.fold(reply, |reply, (name, value)| reply.with(name, value)))),
        Ok(passed @ Answer::Passed(_)) => Ok(passed),
        Err(problem) => Err(fields.fold(problem, |problem, (name, value)| problem.with(name, value))),
    }
}

/// The answer to OPTIONS, with what a page of that origin may ask.
pub async fn preflight(call: &Call<'_>, reply: Reply) -> Reply {
    let reply = reply.with("Vary", "Origin");
    match listed(call).await {
        Some(origin) => reply
            .with("Access-Control-Allow-Origin", origin)
            .with("Access-Control-Allow-Methods", "POST")
            .with("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match")
            .with("Access-Control-Max-Age", MAX_AGE),
        None => reply,
    }
}

/// The origin that asks, if the organization lists it. What cannot be looked up is not listed: the browser keeps the answer
/// from the page, and nothing more is lost.
async fn listed(call: &Call<'_>) -> Option<String> {
    let origin = call.inbound.header("origin")?;
    if origin == call.inbound.origin() {
        return None;
    }
    flood::count(call, Flood::Docs, "").await.ok()?;
    docs::is_listed(call.ports, call.param("org"), &origin).await.ok().filter(|listed| *listed).map(|_| origin)
}
