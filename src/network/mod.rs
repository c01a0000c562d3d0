//! Addresses: allowlist ranges and the caller's own address.
//!
//! In scope: parsing and matching. Out of scope: which header may be believed.

pub mod address;
pub mod cidr;
