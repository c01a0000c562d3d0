//! Values without opinions: time, chance, ids, secrets, cursors, and reading documents field by field.
//!
//! In scope: types that every room above may use. Out of scope: any rule of the product.

pub mod actor;
pub mod chance;
pub mod cursor;
pub mod document;
pub mod heap;
pub mod id;
pub mod json;
pub mod secret;
pub mod strict_json;
pub mod time;
pub mod web_origin;
