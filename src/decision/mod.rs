//! Whether a request may pass: facts and a question in, a verdict out.
//!
//! In scope: the checks and their order. Out of scope: gathering facts, taking tokens; both are done around it.

pub mod check;
pub mod decide;
pub mod exercise;
pub mod facts;
pub mod verdict;
