//! Memory adapters and fixtures for tests on the host.

pub mod background;
pub mod chance;
pub mod clock;
pub mod descriptions;
pub mod fixtures;
pub mod guards;
pub mod index;
pub mod ledger;
pub mod page;
pub mod provider;
pub mod rolls;
pub mod rows;
pub mod sessions;
pub mod throttle;
pub mod watch;
pub mod wire;
pub mod world;
