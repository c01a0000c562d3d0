//! What was asked of each key: counted at the edges, reported by the messages that settle leases, kept by the key's guard.
//!
//! In scope: counting each decided request once, however often a message is lost or repeated; what is kept of it and for
//! how long. Out of scope: how a message travels, where rows are stored.

pub mod account;
pub mod book;
pub mod count;
pub mod recent;
pub mod report;
pub mod retention;
pub mod roll;
pub mod rows;
pub mod summary;
pub mod tally;
