//! A statement for D1: its text and its values.

use serde::Serialize;
use serde_json::Value;

/// A statement as it crosses to the platform, in JSON.
#[derive(Debug, Serialize)]
pub struct Statement(String, Vec<Value>);

impl Statement {
    /// The statement with the values that stand for `?1`, `?2` and so on.
    pub fn new(sql: impl Into<String>, values: impl Into<Vec<Value>>) -> Self {
        Self(sql.into(), values.into())
    }
}

/// The numbered values of a statement that is put together.
#[derive(Default)]
pub struct Values(Vec<Value>);

impl Values {
    /// Adds a value; the answer stands for it in the statement.
    pub fn add(&mut self, value: Value) -> String {
        self.0.push(value);
        format!("?{}", self.0.len())
    }
}

impl From<Values> for Vec<Value> {
    fn from(values: Values) -> Self {
        values.0
    }
}
