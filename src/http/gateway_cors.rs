//! CORS at the gateway (Fetch, section 3.3), for pages of the origins that its settings list: those of docs above all, which
//! try what stands behind and show why it was refused. Without the setting nothing here happens.

use super::{problem::Problem, reply::Reply};

/// What a page may read of an answer beside what every page may.
const EXPOSED: &str = "RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id, Latchkey-Code";

/// How long a browser may remember what it may ask, in seconds.
const MAX_AGE: &str = "600";

/// What the settings say of the page that asks, if it is one.
pub struct Cors<'a> {
    /// Its origin, if it is listed.
    page: Option<&'a str>,
    /// Whether any is listed: answers then go by the origin, also where it is not.
    varies: bool,
}

impl<'a> Cors<'a> {
    /// By the request's `Origin`.
    #[must_use]
    pub fn of(origin: Option<&'a str>, listed: &[String]) -> Self {
        let page = origin.filter(|origin| listed.iter().any(|known| known == origin));
        Self { page, varies: !listed.is_empty() }
    }

    /// The answer to a preflight of a listed page. It says nothing of what stands behind: every method and field may be asked
    /// for, and is then judged by its key.
    #[must_use]
    pub fn preflight(&self, method: String, fields: Option<String>) -> Option<Reply> {
        let reply = Reply::empty(204).with("Access-Control-Allow-Origin", self.page?).with("Access-Control-Allow-Methods", method);
        let reply = reply.with("Access-Control-Max-Age", MAX_AGE).with("Vary", "Origin");
        Some(match fields {
            Some(fields) => reply.with("Access-Control-Allow-Headers", fields),
            None => reply,
        })
    }

    /// What an answer gets that has these two fields already. Who speaks for itself is left alone.
    #[must_use]
    pub fn fields(&self, allowed: Option<&str>, vary: Option<&str>) -> Vec<(&'static str, String)> {
        let mut fields = Vec::new();
        if let (Some(page), None) = (self.page, allowed) {
            fields.push(("Access-Control-Allow-Origin", page.to_owned()));
            fields.push(("Access-Control-Expose-Headers", EXPOSED.to_owned()));
        }
        let is_told =
            vary.is_some_and(|names| names.split(',').any(|name| ["*", "origin"].contains(&name.trim().to_ascii_lowercase().as_str())));
        if self.varies && !is_told {
            fields.push(("Vary", "Origin".to_owned()));
        }
        fields
    }

    /// A refusal, as the page can read it.
    #[must_use]
    pub fn refused(&self, problem: Problem) -> Problem {
        self.fields(None, None).into_iter().fold(problem, |problem, (name, value)| problem.with(name, value))
    }
}
