//! The stories of four customers, told through the running worker: each profile in `profiles/` is the policy of one
//! organization, and all four live in one deployment.

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

mod automation;
mod documents;
mod field_service;
mod leads_api;
mod side_by_side;
mod story;
mod voice_agents;
