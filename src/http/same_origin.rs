//! That a change by what a browser sends by itself was asked for by a page of this deployment, and by no other.
//!
//! `SameSite=Strict` keeps the cookie off requests from other sites. A neighbor on the same site (another port, another
//! name under the same domain) is kept off here.

use super::{call::Call, problem::Problem, problem_catalog as catalog};

/// Refuses a change that a foreign page asked for, or of which nobody knows who did. Reads may come from anywhere.
///
/// # Errors
/// 403.
pub fn demand_of_changes(call: &Call<'_>) -> Result<(), Problem> {
    judge(call, false)
}

/// Refuses a change that a foreign page asked for. What tells no origin is no browser's, and may pass.
///
/// # Errors
/// 403.
pub fn refuse_foreign_pages(call: &Call<'_>) -> Result<(), Problem> {
    judge(call, true)
}

fn judge(call: &Call<'_>, programs_too: bool) -> Result<(), Problem> {
    if matches!(call.inbound.method(), "GET" | "HEAD") {
        return Ok(());
    }
    let header = |name| call.inbound.header(name);
    let (origin, fetch_site) = (header("origin"), header("sec-fetch-site"));
    if programs_too && origin.is_none() && fetch_site.is_none() {
        return Ok(());
    }
    match fault(origin.as_deref(), fetch_site.as_deref(), call.inbound.origin()) {
        None => Ok(()),
        Some(fault) => Err(Problem::new(&catalog::FORBIDDEN, fault)),
    }
}

fn fault(origin: Option<&str>, fetch_site: Option<&str>, own: &str) -> Option<&'static str> {
    match (origin, fetch_site) {
        (None, _) => Some("a change by a browser's own session needs an Origin field that names this deployment; it has none"),
        (Some(origin), _) if origin != own => Some("a change by a browser's own session needs an Origin field that names this deployment"),
        (Some(_), Some(site)) if site != "same-origin" => {
            Some("a change by a browser's own session must come from this deployment's own pages")
        }
        (Some(_), _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_of_this_very_origin_may_change_something() {
        let own = "https://keys.example.com";
        assert_eq!((fault(Some(own), None, own), fault(Some(own), Some("same-origin"), own)), (None, None));
        for (origin, site) in [
            (None, None),
            (None, Some("same-origin")),
            (Some("null"), Some("same-origin")),
            (Some("https://keys.example.com:8443"), None),
            (Some("http://keys.example.com"), None),
            (Some("https://app.example.com"), Some("same-site")),
            (Some(own), Some("cross-site")),
            (Some(own), Some("none")),
        ] {
            assert!(fault(origin, site, own).is_some(), "{origin:?} {site:?}");
        }
    }
}
