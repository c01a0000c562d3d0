//! The page behind a problem's type: what it means, what to do.

use askama::Template;

use super::{
    call::Call,
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

/// A short page for people.
///
/// # Errors
/// 404 for a type that no problem has.
pub async fn problem_page(call: &Call<'_>) -> Result<Reply, Problem> {
    let kind = ProblemKind::find(call.param("slug")).ok_or_else(|| Problem::new(&catalog::NOT_FOUND, "there is no such problem type"))?;
    Ok(web_page::page(200, &Page { kind }))
}
