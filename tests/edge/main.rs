//! Black-box tests against the built wasm on the real runtime: real KV, D1 and Durable Objects, nothing mocked.

#![allow(
    clippy::expect_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may end with a panic; its message is the finding"
)]

mod client;
mod given;
mod runtime;

mod bad_input;
mod coverage;
mod edits;
mod endings;
mod forward_auth;
mod imports;
mod keys;
mod limits;
mod lists;
mod orgs;
mod outages;
mod portal;
mod portal_admin;
mod restart;
mod revocation;
mod rotation;
mod storage_calls;
mod temporary;
mod verify;
