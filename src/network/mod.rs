//! Addresses: allowlist ranges, the caller's own address, and whom it is counted as.
//!
//! In scope: parsing and matching. Out of scope: which header may be believed.

pub mod address;
pub mod cidr;
pub mod subscriber;
