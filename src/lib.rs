//! Latchkey: an API-key authority at the edge.
//!
//! The rooms, from the bottom up: `base`, `token`, `network`, `limit`, `policy`, `key`, `authn`, `decision`, `audit`, `usage`,
//! `ports`, `service`; then side by side `storage`, `object`, `http`; then `app` and `entry`. Each imports only from
//! those before it. `ARCHITECTURE.md` is the map.

mod app;
pub mod audit;
pub mod authn;
pub mod base;
pub mod config;
pub mod decision;
mod entry;
pub mod http;
pub mod key;
pub mod limit;
pub mod network;
pub mod object;
pub mod policy;
pub mod ports;
pub mod service;
pub mod storage;
#[cfg(test)]
mod testing;
pub mod token;
pub mod usage;
