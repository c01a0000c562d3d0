//! The page behind a problem's type: what it means, what to do.

use super::{call::Call, problem::Problem, problem_catalog as catalog, reply::Reply};

/// A short page for people.
///
/// # Errors
/// 404 for a type that no problem has.
pub async fn problem_page(call: &Call<'_>) -> Result<Reply, Problem> {
    let kind =
        catalog::ProblemKind::find(call.param("slug")).ok_or_else(|| Problem::new(&catalog::NOT_FOUND, "there is no such problem type"))?;
    let page = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title>\n\
         <h1>{title}</h1>\n<p>Status {status}, code <code>{code}</code></p>\n<p>{advice}</p>\n</html>\n",
        title = kind.title,
        status = kind.status,
        code = kind.code(),
        advice = kind.advice,
    );
    Ok(Reply::text(200, "text/html; charset=utf-8", page)
        .with("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'")
        .with("X-Content-Type-Options", "nosniff")
        .with("Referrer-Policy", "no-referrer"))
}
