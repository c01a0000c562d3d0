//! The numbered values of a statement that is put together.

use wasm_bindgen::JsValue;

/// Collects values and gives each its number.
#[derive(Default)]
pub struct Values(Vec<JsValue>);

impl Values {
    /// Adds a value; the answer stands for it in the statement.
    pub fn add(&mut self, value: JsValue) -> String {
        self.0.push(value);
        format!("?{}", self.0.len())
    }

    /// All values, in order.
    pub fn into_inner(self) -> Vec<JsValue> {
        self.0
    }
}
