//! What was changed, by whom: one entry for each change, made with it or not at all.
//!
//! In scope: the entry and its words. Out of scope: where entries are kept; who may read them.

pub mod changes;
pub mod entry;
pub mod query;
