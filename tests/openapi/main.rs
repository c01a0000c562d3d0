//! The OpenAPI document against the code it is made from, against two linters, against what a running edge really answers,
//! and in the hands of clients that were generated from it.

#![allow(
    clippy::expect_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may end with a panic; its message is the finding"
)]

#[path = "../edge/client.rs"]
#[allow(dead_code, reason = "the edge tests use all of it")]
mod client;
#[path = "../edge/given.rs"]
#[allow(dead_code, reason = "the edge tests use all of it")]
mod given;
#[path = "../edge/runtime.rs"]
#[allow(dead_code, reason = "the edge tests use all of it")]
mod runtime;

mod answers;
mod document;
mod generated;
mod node;

use std::sync::OnceLock;

/// One fleet with the static files, for all tests.
fn edge() -> &'static client::Edge {
    static FLEET: OnceLock<runtime::Fleet> = OnceLock::new();
    let options = runtime::Options { faults: false, assets: true, ..runtime::Options::default() };
    FLEET.get_or_init(|| runtime::Fleet::start(options)).edge()
}
