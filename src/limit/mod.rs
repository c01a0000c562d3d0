//! How much a subject may do: the rate, the sliding window, and the guard that holds both.
//!
//! In scope: pure state machines, `state + command + now → state + reply`. Out of scope: where state is kept and how
//! a command travels.

pub mod guard;
pub mod holding;
pub mod lease;
#[cfg(test)]
mod model;
pub mod rate;
pub mod window;
