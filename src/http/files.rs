//! Files that the platform keeps beside the worker and that answer at an address of Latchkey's own: the OpenAPI document and
//! the pages of the docs. They are not in the wasm, and pass by without being read.

use js_sys::{Promise, futures::JsFuture};
use wasm_bindgen::prelude::*;
use web_sys::Request;
use worker::Env;

use super::{
    admin::conditions::is_known, answer::Answer, call::Call, flood, portal::RefusedPage, problem::Problem, problem_catalog as catalog,
    query::Query, reply::Reply, web_page,
};
use crate::{base::document::Faults, ports::Flood, service::docs, token::digest::Digest};

#[wasm_bindgen(module = "/shim/files.js")]
extern "C" {
    #[wasm_bindgen(js_name = keptFile)]
    fn kept_file(request: &Request, env: &Env, path: &str, request_id: &str, policy: &str) -> Promise;
}

/// The description of this API.
///
/// # Errors
/// 503 without the files.
pub async fn openapi(call: &Call<'_>) -> Result<Answer, Problem> {
    kept(call, "openapi.json", "").await
}

/// The page that shows the description of this API.
///
/// # Errors
/// 503 without the files.
pub async fn docs(call: &Call<'_>) -> Result<Answer, Problem> {
    kept(call, "docs.html", "connect-src 'self'").await
}

/// The page that shows an organization's own API and lets its members try it. It may call the addresses of the policy and
/// no others: this and the policy of the file both hold.
///
/// # Errors
/// 404 for an organization without docs, 503 without the files.
pub async fn org_docs(call: &Call<'_>) -> Result<Answer, Problem> {
    count(call).await?;
    let playground = docs::of_org(call.ports, call.param("org")).await?;
    kept(call, "docs.html", &format!("connect-src 'self' {}", playground.api_origins.join(" "))).await
}

/// The window in which a member is asked whether the site `for` may have a test token of theirs.
///
/// # Errors
/// 422 without a site, a page with 403 for one that the organization does not list, 429, 503 without the files.
pub async fn org_docs_grant(call: &Call<'_>) -> Result<Answer, Problem> {
    count(call).await?;
    let mut faults = Faults::default();
    let mut query = Query::read(call.inbound.query());
    let site = query.one("for", &mut faults);
    query.close(&mut faults);
    if site.is_none() {
        faults.value("/for", "must be the origin of the site that asks");
    }
    let site = faults.conclude(site)?;
    if !docs::is_listed(call.ports, call.param("org"), &site).await? {
        let page = RefusedPage {
            title: "This site may not ask for test tokens",
            advice: "The organization does not list it, or has no test tokens. The platform's operator can add its origin to playground.allowed_origins in the organization's policy.",
        };
        return Ok(Answer::Made(web_page::page(403, &page)));
    }
    kept(call, "grant.html", "connect-src 'self'").await
}

/// The organization's own description of its API, as it publishes or uploaded it.
///
/// # Errors
/// 404 for an organization without docs, 429, 503 while its description cannot be had.
pub async fn org_openapi(call: &Call<'_>) -> Result<Reply, Problem> {
    count(call).await?;
    let field = call.inbound.header("if-none-match");
    let tag = |digest: &Digest| format!("\"{}\"", digest.hex());
    let document = docs::document(call.ports, call.param("org"), |digest| is_known(field.as_deref(), &tag(digest))).await?;
    // Whatever it is, a browser that is sent here shows it as text and runs none of it.
    let reply = match document.text {
        Some(text) => Reply::text(200, "application/json", text),
        None => Reply::empty(304),
    };
    let reply =
        reply.with("ETag", tag(&document.digest)).with("Cache-Control", "public, max-age=60").with("X-Content-Type-Options", "nosniff");
    Ok(reply.with("Content-Security-Policy", "default-src 'none'; sandbox"))
}

async fn count(call: &Call<'_>) -> Result<(), Problem> {
    flood::count(call, Flood::Docs, "the docs were asked for too often from this address").await
}

async fn kept(call: &Call<'_>, name: &str, policy: &str) -> Result<Answer, Problem> {
    let path = format!("/_latchkey-docs/{name}");
    let answer = kept_file(call.inbound.request(), call.env, &path, call.request_id.text().as_str(), policy);
    let answer = JsFuture::from(answer).await.map_err(|cause| {
        let cause = format!("the file {path} cannot be had: {}", worker::Error::from(cause));
        Problem::new(&catalog::UNAVAILABLE, "this page cannot be had now").with("Retry-After", "1").because(cause)
    })?;
    Ok(Answer::Passed(answer.unchecked_into()))
}
