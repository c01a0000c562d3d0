//! The adapters of the ports on the platform: D1, KV, Durable Object stubs, rate-limiting bindings, the identity provider,
//! cryptography, clock and random generator.
//!
//! In scope: bytes, rows and calls. Out of scope: any rule; what a failure means is for the services.

pub mod analytics;
mod bindings;
pub mod d1;
pub mod deadline;
pub mod guards;
pub mod key_sets;
pub mod kv;
pub mod platform;
pub mod signatures;
pub mod throttle;
pub mod turns;
