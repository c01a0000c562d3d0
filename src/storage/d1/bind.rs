//! Values for statements, as JSON has them: whole numbers up to 2^53 are exact.

use serde_json::Value;

use super::outage;
use crate::{base::time::Timestamp, ports::Outage};

/// Text.
pub fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// Text or NULL.
pub fn maybe_text(value: Option<&str>) -> Value {
    value.map_or(Value::Null, text)
}

/// Anything as JSON text.
pub fn json(value: &impl serde::Serialize) -> Result<Value, Outage> {
    serde_json::to_string(value).map(Value::String).map_err(outage)
}

/// Anything as JSON text, or NULL.
pub fn maybe_json(value: Option<&impl serde::Serialize>) -> Result<Value, Outage> {
    value.map_or(Ok(Value::Null), json)
}

/// A whole number.
pub fn integer(value: u64) -> Value {
    value.into()
}

/// A time in milliseconds.
pub fn time(value: Timestamp) -> Value {
    value.ms().into()
}

/// A time in milliseconds, or NULL.
pub fn maybe_time(value: Option<Timestamp>) -> Value {
    value.map_or(Value::Null, time)
}
