//! The life of a key: its record, its states, what a creation may ask for.
//!
//! In scope: records and their transitions. Out of scope: how a request is decided, where records are kept.

pub mod draft;
pub mod query;
pub mod record;
pub mod state;
pub mod view;
