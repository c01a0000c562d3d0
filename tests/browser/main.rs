//! The console in a real browser: Chromium, driven through playwright-core by the scripts beside this file, against the
//! built wasm on the real runtime. A scenario fails of whatever a page complains about, and of what axe finds in it.

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
#[path = "../edge/origin.rs"]
#[allow(dead_code, reason = "the edge tests use all of it")]
mod origin;
#[path = "../edge/provider.rs"]
#[allow(dead_code, reason = "the edge tests use all of it")]
mod provider;
#[path = "../edge/runtime.rs"]
#[allow(dead_code, reason = "the edge tests use all of it")]
mod runtime;

mod chromium;
mod docs;
mod embedded;
mod pages;
mod portal;

use std::sync::OnceLock;

/// One fleet with the console's static files, for all scenarios.
fn edge() -> &'static client::Edge {
    static FLEET: OnceLock<runtime::Fleet> = OnceLock::new();
    let options = runtime::Options { faults: false, assets: true, ..runtime::Options::default() };
    FLEET.get_or_init(|| runtime::Fleet::start(options)).edge()
}
