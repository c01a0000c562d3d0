//! Forward auth behind the proxies that people run: nginx, Caddy, Traefik and Envoy, each started with the files that
//! `docs/integrations/` ships, before the built wasm on the real runtime and an origin that writes down what it gets.

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

mod origin;
mod proxy;
mod routes;
mod stand;
mod tap;
mod wire;

mod addresses;
mod answers;
mod code;
mod outages;
mod passing;
mod paths;
mod spoofing;
mod table;
