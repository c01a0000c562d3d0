//! The calls into JavaScript that reach the platform's bindings: `shim/bindings.js`. Each that waits gives a promise.

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;
use worker::Env;

#[wasm_bindgen(module = "/shim/bindings.js")]
extern "C" {
    #[wasm_bindgen(js_name = kvGet)]
    pub fn kv_get(env: &Env, name: &str) -> Promise;
    #[wasm_bindgen(js_name = kvPut)]
    pub fn kv_put(env: &Env, name: &str, text: &str) -> Promise;
    #[wasm_bindgen(js_name = kvDelete)]
    pub fn kv_delete(env: &Env, name: &str) -> Promise;
    #[wasm_bindgen(js_name = d1Query)]
    pub fn d1_query(env: &Env, statement: &str) -> Promise;
    #[wasm_bindgen(js_name = d1Batch)]
    pub fn d1_batch(env: &Env, statements: &str) -> Promise;
    #[wasm_bindgen(js_name = askObject)]
    pub fn ask_object(env: &Env, namespace: &str, name: &str, path: &str, message: Option<&str>) -> Promise;
    #[wasm_bindgen(js_name = isAdmitted)]
    pub fn is_admitted(env: &Env, limiter: &str, name: &str) -> Promise;
    #[wasm_bindgen(js_name = hasAnalytics)]
    pub fn has_analytics(env: &Env) -> bool;
    #[wasm_bindgen(catch, js_name = writePoint)]
    pub fn write_point(env: &Env, point: &str) -> Result<(), JsValue>;
    #[wasm_bindgen(js_name = fetchDescription)]
    pub fn fetch_description(url: &str, limit: usize, signal: &AbortSignal) -> Promise;
    #[wasm_bindgen(js_name = fetchDocument)]
    pub fn fetch_document(url: &str, limit: usize, signal: &AbortSignal) -> Promise;
}
