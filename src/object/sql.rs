//! An object's own SQLite storage: `shim/sql.js`.

use std::rc::Rc;

use wasm_bindgen::prelude::*;
use worker::worker_sys::DurableObjectState;

use super::failure::Failure;

#[wasm_bindgen(module = "/shim/sql.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn exec(state: &DurableObjectState, statement: &str, values: Vec<String>) -> Result<Vec<String>, JsValue>;
}

/// The storage of one object.
#[derive(Clone)]
pub struct Sql {
    state: Rc<DurableObjectState>,
}

impl Sql {
    /// The storage of that object.
    #[must_use]
    pub fn new(state: DurableObjectState) -> Self {
        Self { state: Rc::new(state) }
    }

    /// Runs a statement, whose `?` stand for the values. All that its rows give, value after value: texts, as all columns
    /// are.
    ///
    /// # Errors
    /// When storage fails.
    pub fn exec<const N: usize>(&self, statement: &str, values: [&str; N]) -> Result<Vec<String>, Failure> {
        exec(&self.state, statement, values.map(str::to_owned).into()).map_err(Failure::Storage)
    }
}
