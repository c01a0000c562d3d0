//! A call that never answers must not hang the request.

use std::{pin::pin, time::Duration};

use futures_util::future::{Either, select};
use js_sys::{Error, Promise, futures::JsFuture};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{AbortController, AbortSignal};
use worker::Delay;

/// What a call came to that was given `limit_ms`.
///
/// # Errors
/// The call's own error as text, or that it took too long.
pub async fn within(limit_ms: u64, call: Promise) -> Result<JsValue, String> {
    match select(JsFuture::from(call), pin!(Delay::from(Duration::from_millis(limit_ms)))).await {
        Either::Left((outcome, _)) => outcome.map_err(|thrown| cause(&thrown)),
        Either::Right(((), _)) => Err(format!("no answer within {limit_ms} ms")),
    }
}

/// Like [`within`], for a call that answers with a text.
///
/// # Errors
/// Those of [`within`], or that it was something else.
pub async fn text_within(limit_ms: u64, call: Promise) -> Result<String, String> {
    within(limit_ms, call).await?.as_string().ok_or_else(|| "answered with something that is not text".to_owned())
}

/// Like [`text_within`], for a call that can be broken off: it is, when it took too long.
///
/// # Errors
/// Those of [`text_within`].
pub async fn text_fetched_within(limit_ms: u64, call: impl FnOnce(&AbortSignal) -> Promise) -> Result<String, String> {
    let controller = AbortController::new().map_err(|thrown| cause(&thrown))?;
    let text = text_within(limit_ms, call(&controller.signal())).await;
    if text.is_err() {
        // Nobody waits for the rest any more.
        controller.abort();
    }
    text
}

fn cause(thrown: &JsValue) -> String {
    match thrown.dyn_ref::<Error>() {
        Some(error) => error.to_string().into(),
        None => format!("{thrown:?}"),
    }
}
