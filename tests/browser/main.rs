//! The portal in a real browser: Chromium, driven through playwright-core by `portal.mjs`, against the built wasm on the
//! real runtime.

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

mod chromium;
mod portal;
