//! An isolate that is hot: so many keys in its memory, each with a lease and a request that its guard has not heard of.
//!
//! It is made over the product's public API alone. Whatever it is measured for, it asks nobody: its ports end the program.

mod isolate;
mod keys;
mod nobody;
mod stage;
#[cfg(target_arch = "wasm32")]
mod wasm;

pub use isolate::{Isolate, asking};
pub use keys::{NOW_MS, bare};
pub use stage::{STEPS, Stage};
