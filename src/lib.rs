//! Latchkey: an API-key authority at the edge.
//!
//! The rooms stand in the order of the import law: each imports only from those above it, and `storage`, `object` and
//! `http` never from each other. `ARCHITECTURE.md` is the map.

pub mod base;
pub mod token;
pub mod network;
pub mod limit;
pub mod policy;
pub mod key;
pub mod authn;
pub mod decision;
pub mod audit;
pub mod ports;
pub mod service;
pub mod storage;
pub mod object;
pub mod config;
pub mod http;
mod app;
mod entry;
#[cfg(test)]
mod testing;
