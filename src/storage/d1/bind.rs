//! Values for statements, as JavaScript has them: whole numbers up to 2^53 are exact.

use wasm_bindgen::JsValue;

use super::outage;
use crate::{base::time::Timestamp, ports::Outage};

/// Text.
pub fn text(text: &str) -> JsValue {
    JsValue::from_str(text)
}

/// Text or NULL.
pub fn maybe_text(value: Option<&str>) -> JsValue {
    value.map_or(JsValue::NULL, JsValue::from_str)
}

/// Anything as JSON text.
pub fn json(value: &impl serde::Serialize) -> Result<JsValue, Outage> {
    serde_json::to_string(value).map(|text| JsValue::from_str(&text)).map_err(outage)
}

/// Anything as JSON text, or NULL.
pub fn maybe_json(value: Option<&impl serde::Serialize>) -> Result<JsValue, Outage> {
    value.map_or(Ok(JsValue::NULL), json)
}

/// A whole number.
#[expect(clippy::cast_precision_loss, reason = "versions and times stay far below 2^53")]
pub fn integer(value: u64) -> JsValue {
    JsValue::from_f64(value as f64)
}

/// A time in milliseconds.
#[expect(clippy::cast_precision_loss, reason = "milliseconds up to the year 9999 stay far below 2^53")]
pub fn time(value: Timestamp) -> JsValue {
    JsValue::from_f64(value.ms() as f64)
}

/// A time in milliseconds, or NULL.
pub fn maybe_time(value: Option<Timestamp>) -> JsValue {
    value.map_or(JsValue::NULL, time)
}
