//! The guards as Durable Objects: load, let `limit::guard` decide, save. No rule lives here.

pub mod cell;
pub mod failure;
pub mod guard;
pub mod rows;
pub mod sql;
