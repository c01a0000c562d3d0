//! HTTP: routes, bodies, headers, problem documents.
//!
//! In scope: the contract's letters. Out of scope: what is decided or changed; handlers call one service each.

pub mod accept;
pub mod admin;
pub mod answer;
pub mod body;
pub mod call;
pub mod challenge;
pub mod console;
pub mod cross_origin;
pub mod csv;
pub mod decision;
pub mod exchange;
pub mod files;
pub mod flood;
pub mod forward_auth;
pub mod gate;
pub mod gateway;
pub mod gateway_cors;
pub mod health;
pub mod hop;
pub mod inbound;
pub mod key_holder;
pub mod markup;
pub mod metrics;
#[cfg(not(target_arch = "wasm32"))]
pub mod openapi;
pub mod portal;
pub mod problem;
pub mod problem_catalog;
pub mod problem_page;
pub mod query;
pub mod rate_fields;
pub mod reply;
pub mod route_table;
pub mod router;
pub mod same_origin;
pub mod session_cookie;
pub mod verify;
pub mod web_page;
pub mod whoami;
pub mod witness;
