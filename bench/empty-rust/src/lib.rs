//! Answers 200 with nothing, through the platform crate's own types: the yardstick of `cargo xtask bench`.

use worker::{Context, Env, Request, Response, Result, event};

/// As a new project's first handler.
#[event(fetch)]
async fn fetch(_request: Request, _env: Env, _context: Context) -> Result<Response> {
    Response::empty().map(|response| response.with_status(200))
}
