//! Why an object has no answer.

use wasm_bindgen::JsValue;

use crate::ports::Outage;

/// What failed. The caller then has no decision.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The object's own storage, with what it threw.
    #[error("the object's storage failed: {0:?}")]
    Storage(JsValue),
    /// The guard cannot be written as JSON.
    #[error("the state cannot be written: {0}")]
    State(#[from] serde_json::Error),
    /// The truth.
    #[error(transparent)]
    Truth(#[from] Outage),
}
