//! The use cases, top to bottom, over the ports.
//!
//! In scope: the order of steps and what a failure of each means. Out of scope: HTTP; storage.

pub mod audit;
pub mod authenticate;
pub mod author;
pub mod chores;
pub mod claim;
pub mod commons;
pub mod digests;
pub mod docs;
pub mod failure;
pub mod inquiry;
pub mod keys;
pub mod known_keys;
pub mod member_tokens;
pub mod memory;
pub mod named;
pub mod orgs;
pub mod page;
pub mod portal;
pub mod publish;
pub mod roll_up;
pub mod shelf;
pub mod usage;
pub mod verify;

#[cfg(test)]
#[path = "disorder_tests.rs"]
mod disorder_tests;

#[cfg(test)]
#[path = "nonsense_tests.rs"]
mod nonsense_tests;
