//! What a key looks like: `<prefix>_<id>_<secret>`, with a checksum at its end.
//!
//! In scope: format, checksum, digest. Out of scope: whether a key exists or is good.

pub mod base62;
pub mod digest;
pub mod format;
