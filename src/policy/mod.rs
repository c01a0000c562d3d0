//! What an organization allows: its catalog of permissions, its roles, its rules for keys.
//!
//! In scope: the policy document, permissions and requirements on them. Out of scope: applying them to a request.

pub mod catalog;
pub mod console;
mod document;
pub mod name;
pub mod org;
pub mod role;
pub mod route;
pub mod rules;
pub mod scope;
