//! Addresses: allowlist ranges, the caller's own address, whom it is counted as, and roughly where it is.
//!
//! In scope: parsing and matching. Out of scope: which header may be believed.

pub mod address;
pub mod cidr;
pub mod place;
pub mod subscriber;
