//! The control plane: one handler for each operation, named after it.

pub mod audit;
pub mod conditions;
pub mod import;
pub mod keys;
pub mod life;
pub mod openapi;
pub mod orgs;
pub mod page;
pub mod portal_sessions;
pub mod usage;
