//! Who is calling the control plane.
//!
//! In scope: reading a credential, proving it, the principal that comes out. Out of scope: what a route needs, which
//! the route table says.

pub mod credential;
pub mod jwks;
pub mod jwt;
pub mod member;
pub mod operator;
pub mod portal;
pub mod principal;
