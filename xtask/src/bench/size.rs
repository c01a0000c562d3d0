//! How large the worker is when it is uploaded.

use anyhow::Result;

use super::{Plan, row::Row};
use crate::{build, project};

pub const ROWS: [&str; 1] = ["wasm, gzipped"];

/// Packs what was built.
///
/// # Errors
/// When it cannot be read.
pub fn measure(_plan: &Plan) -> Result<Vec<Row>> {
    let [wasm] = ROWS;
    Ok(vec![
        Row::new(wasm, build::gzipped(&project::build_dir().join("index_bg.wasm"))?, "kB").at_most(500.0),
        Row::new("index.js, gzipped", build::gzipped(&project::build_dir().join("index.js"))?, "kB"),
    ])
}
