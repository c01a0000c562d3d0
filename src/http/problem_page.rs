//! What stands behind a problem's type: what it means, what to do. A page for people, JSON for programs.

use askama::Template;
use serde::Serialize;

use super::{
    accept::weight,
    call::Call,
    gateway,
    problem::Problem,
    problem_catalog::{self as catalog, ProblemKind},
    reply::Reply,
    web_page,
};

#[derive(Template)]
#[template(path = "problem.html")]
struct Page {
    kind: &'static ProblemKind,
}

#[derive(Serialize)]
struct Kind {
    r#type: String,
    title: &'static str,
    status: u16,
    code: &'static str,
    advice: &'static str,
}

/// A short page, or JSON for who asks for that and not for a page.
///
/// # Errors
/// 404 for a type that no problem has.
pub async fn problem_page(call: &Call<'_>) -> Result<Reply, Problem> {
    let kind = ProblemKind::find(call.param("slug")).ok_or_else(|| Problem::new(&catalog::NOT_FOUND, "there is no such problem type"))?;
    let accept = call.inbound.header("accept").unwrap_or_default();
    let reply = if wants_json(&accept) {
        let ProblemKind { slug, status, title, advice } = *kind;
        let r#type = format!("{}/problems/{slug}", gateway::problem_base(call.inbound.origin(), call.config));
        Reply::json(200, &Kind { r#type, title, status, code: kind.code(), advice })
    } else {
        web_page::page(200, &Page { kind })
    };
    Ok(reply.with("Vary", "Accept"))
}

/// A browser asks for pages before all else, most programs for anything.
fn wants_json(accept: &str) -> bool {
    weight(accept, &["application/json", "application/problem+json"]) > weight(accept, &["text/html"])
}

#[cfg(test)]
mod tests {
    use super::wants_json;

    #[test]
    fn programs_that_name_json_get_json_and_all_others_the_page() {
        for accept in
            ["application/json", "application/problem+json, application/json;q=0.9, */*;q=0.1", "text/html;q=0, application/json;q=0.1"]
        {
            assert!(wants_json(accept), "{accept}");
        }
        for accept in ["", "*/*", "text/html,application/xhtml+xml,*/*;q=0.8", "text/html, application/json", "application/json;q=0"] {
            assert!(!wants_json(accept), "{accept}");
        }
    }
}
