//! CORS (Fetch, section 3.3) for the routes of the playground alone: docs on other sites ask for test tokens there. Only from
//! origins that the organization's policy lists, and never with what a browser adds by itself: no cookie is taken.

use super::{answer::Answer, call::Call, flood, problem::Problem, reply::Reply, route_table::Operation};
use crate::{ports::Flood, service::docs};

/// What a page may read beside what every page may.
const EXPOSED: &str = "ETag, Location, Retry-After, WWW-Authenticate, X-Request-Id";

/// How long a browser may remember what it may ask, in seconds.
const MAX_AGE: &str = "600";

impl Operation {
    /// Whether pages of other origins may ask for it.
    #[must_use]
    pub fn crosses_origins(self) -> bool {
        matches!(self, Self::CreatePlaygroundKey | Self::RevokePlaygroundKey)
    }
}

/// A page that may read what comes of its call, by its origin.
pub struct Page(Option<String>);

impl Page {
    /// The page that asks, if the organization lists its origin. What cannot be looked up is not listed: the browser keeps the
    /// answer from the page, and nothing more is lost. To be found before anything is done: what was made must be told.
    pub async fn of(call: &Call<'_>) -> Self {
        let Some(origin) = call.inbound.header("origin").filter(|origin| origin != call.inbound.origin()) else { return Self(None) };
        let listed = docs::is_listed(call.ports, call.param("org"), &origin).await;
        Self(Some(origin).filter(|_| matches!(listed, Ok(true))))
    }

    /// The outcome of such an operation, with what a browser needs to show it to the page.
    ///
    /// # Errors
    /// The problem that it came to.
    pub fn told(self, outcome: Result<Answer, Problem>) -> Result<Answer, Problem> {
        let mut fields = vec![("Vary", "Origin".to_owned())];
        if let Some(origin) = self.0 {
            fields.push(("Access-Control-Allow-Origin", origin));
            fields.push(("Access-Control-Expose-Headers", EXPOSED.to_owned()));
        }
        match outcome {
            Ok(Answer::Made(reply)) => Ok(Answer::Made(fields.into_iter().fold(reply, |reply, (name, value)| reply.with(name, value)))),
            Ok(passed @ Answer::Passed(_)) => Ok(passed),
            Err(problem) => Err(fields.into_iter().fold(problem, |problem, (name, value)| problem.with(name, value))),
        }
    }
}

/// The answer to OPTIONS, with what a page of that origin may ask. Whoever asks too often is told nothing.
pub async fn preflight(call: &Call<'_>, reply: Reply) -> Reply {
    let reply = reply.with("Vary", "Origin");
    let page =
        if call.inbound.header("origin").is_some() && flood::admits(call, Flood::Docs).await { Page::of(call).await } else { Page(None) };
    match page.0 {
        Some(origin) => reply
            .with("Access-Control-Allow-Origin", origin)
            .with("Access-Control-Allow-Methods", "POST")
            .with("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match")
            .with("Access-Control-Max-Age", MAX_AGE),
        None => reply,
    }
}
