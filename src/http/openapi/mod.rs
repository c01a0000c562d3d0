//! The OpenAPI document of this API, made from the route table and the problem catalog.
//!
//! In scope: what a program needs that calls the API. Out of scope: pages and forms for people, which the document names.
//! The worker does not hold it: it is made on the host (`examples/openapi.rs`) and served as a file. A test compares both.

mod components;
mod operations;
mod paths;

use serde::Serialize;
use serde_json::{Serializer, Value, json, ser::PrettyFormatter};

use super::route_table::ROUTES;

const ABOUT: &str = include_str!("about.md");

/// The document, in OpenAPI 3.1.
///
/// # Errors
/// When one of the files that it is made from is not JSON.
pub fn document() -> Result<Value, serde_json::Error> {
    let left_out: Vec<String> = ROUTES
        .iter()
        .filter(|route| operations::describe(route.operation).is_none())
        .map(|route| format!("{} {}", paths::word(route.methods), route.path))
        .collect();
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Latchkey",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "An API-key authority at the edge.",
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "contact": {"name": "The operator of this deployment"},
        },
        "servers": [{"url": "/", "description": "The deployment that serves this document."}],
        "security": [{"bearer": []}],
        "tags": operations::TAGS.iter().map(|(name, description)| json!({"name": name, "description": description})).collect::<Vec<_>>(),
        "paths": paths::paths()?,
        "components": components::components()?,
        "x-pages-for-people": left_out,
    }))
}

/// The document as it is served.
///
/// # Errors
/// As [`document`].
pub fn text() -> Result<String, serde_json::Error> {
    let mut bytes = Vec::new();
    document()?.serialize(&mut Serializer::with_formatter(&mut bytes, PrettyFormatter::with_indent(b" ")))?;
    bytes.push(b'\n');
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
