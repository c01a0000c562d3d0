//! Prints the OpenAPI document: `cargo run --example openapi > assets/openapi.json`.

use std::io::{self, Write};

fn main() -> io::Result<()> {
    io::stdout().lock().write_all(latchkey::http::openapi::text()?.as_bytes())
}
