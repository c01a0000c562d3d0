//! A call that never answers must not hang the request.

use std::{future::Future, pin::pin, time::Duration};

use futures_util::future::{Either, select};
use worker::Delay;

/// What a call came to that was given `limit_ms`.
///
/// # Errors
/// The call's own error as text, or that it took too long.
pub async fn within<T>(limit_ms: u64, call: impl Future<Output = worker::Result<T>>) -> Result<T, String> {
    match select(pin!(call), pin!(Delay::from(Duration::from_millis(limit_ms)))).await {
        Either::Left((outcome, _)) => outcome.map_err(|error| error.to_string()),
        Either::Right(((), _)) => Err(format!("no answer within {limit_ms} ms")),
    }
}
