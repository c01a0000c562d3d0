//! Latchkey: an API-key authority at the edge.
pub mod audit;
pub mod authn;
pub mod base;
pub mod decision;
mod entry;
pub mod key;
pub mod limit;
pub mod network;
pub mod policy;
#[cfg(test)]
mod testing;
pub mod object;
pub mod ports;
pub mod service;
pub mod storage;
pub mod token;
