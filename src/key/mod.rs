//! The life of a key: its record, its states and the steps between them, what each step may ask for.
//!
//! In scope: records and their transitions. Out of scope: how a request is decided, where records are kept.

pub mod bounds;
pub mod draft;
pub mod edit;
pub mod import;
mod members;
pub mod metadata;
pub mod query;
pub mod record;
pub mod rotation;
pub mod state;
pub mod view;
