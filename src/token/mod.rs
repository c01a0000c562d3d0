//! What a key looks like: `<prefix>_<id>_<secret>`, with a checksum at its end.
//!
//! In scope: format, checksum, digest, and keeping keys out of logs. Out of scope: whether a key exists or is good.

pub mod base62;
pub mod digest;
pub mod format;
pub mod redact;
