//! What a request comes to.

use web_sys::Response;

use super::reply::Reply;

/// An answer of this deployment's own, or one that it passes on.
#[derive(Debug)]
pub enum Answer {
    /// Made here.
    Made(Reply),
    /// The origin's, which goes by without being read.
    Passed(Response),
}
