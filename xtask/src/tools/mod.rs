//! The tools that the verbs need: found, or installed once into a folder that git ignores.
//!
//! Each part is idempotent: with everything in place it costs a few milliseconds, and a run that was interrupted is
//! simply repeated. What cannot be installed is named in one message with what to do about it.

mod debian;
pub mod deny;
pub mod npm;
pub mod wasm;
pub mod wrangler;
