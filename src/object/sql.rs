//! An object's own SQLite storage: `shim/sql.js`.

use std::rc::Rc;

use wasm_bindgen::prelude::*;
use worker::worker_sys::DurableObjectState;

use super::failure::Failure;
use crate::base::time::Timestamp;

#[wasm_bindgen(module = "/shim/sql.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn exec(state: &DurableObjectState, statement: &str, values: Vec<String>) -> Result<Vec<String>, JsValue>;
    #[wasm_bindgen(js_name = setAlarm)]
    fn set_alarm(state: &DurableObjectState, ms: f64);
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

    /// Has the object woken at that time, and at no other. It commits with the statements around it.
    #[expect(clippy::cast_precision_loss, reason = "a time in milliseconds is a whole number far below 2^53")]
    pub fn set_alarm(&self, at: Timestamp) {
        set_alarm(&self.state, at.ms() as f64);
    }
}
