//! CORS at the gateway (Fetch, section 3.3), for pages of the origins that its settings list: those of docs above all, which
//! try what stands behind and show why it was refused. Without the setting nothing here happens.

use super::{problem::Problem, reply::Reply};

/// What a page may read of an answer beside what every page may.
const EXPOSED: &str = "RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id, Latchkey-Code";

/// How long a browser may remember what it may ask, in seconds.
const MAX_AGE: &str = "600";

/// A page of an origin that is listed.
pub struct Page<'a>(&'a str);

impl<'a> Page<'a> {
    /// The page that asks, if its origin is listed.
    #[must_use]
    pub fn of(origin: Option<&'a str>, listed: &[String]) -> Option<Self> {
        origin.filter(|origin| listed.iter().any(|known| known == origin)).map(Page)
    }

    /// The answer to a preflight. It says nothing of what stands behind: every method and field may be asked for, and is then
    /// judged by its key.
    #[must_use]
    pub fn preflight(&self, method: String, fields: Option<String>) -> Reply {
        let reply = Reply::empty(204).with("Access-Control-Allow-Origin", self.0).with("Access-Control-Allow-Methods", method);
        let reply = reply.with("Access-Control-Max-Age", MAX_AGE).with("Vary", "Origin");
        match fields {
            Some(fields) => reply.with("Access-Control-Allow-Headers", fields),
            None => reply,
        }
    }

    /// What lets the page read an answer.
    #[must_use]
    pub fn fields(&self) -> [(&'static str, String); 3] {
        let own = |text: &str| text.to_owned();
        [("Access-Control-Allow-Origin", own(self.0)), ("Access-Control-Expose-Headers", own(EXPOSED)), ("Vary", own("Origin"))]
    }

    /// A refusal that the page can read.
    #[must_use]
    pub fn refused(&self, problem: Problem) -> Problem {
        self.fields().into_iter().fold(problem, |problem, (name, value)| problem.with(name, value))
    }
}
