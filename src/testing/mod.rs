//! Memory adapters and fixtures for tests on the host.

pub mod chance;
pub mod fixtures;
