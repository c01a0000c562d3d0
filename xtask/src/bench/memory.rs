//! What hot keys take of an isolate's memory, in the wasm: without guards, of which a local runtime cannot hold so many.

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Plan, row::Row};
use crate::{build, project, step, tools};

const ALL: &str = "memory after 100000 hot keys, wasm";
const EACH: &str = "memory of a hot key, wasm";
const KNOWN: &str = "hot keys that are known at once, wasm";

pub const ROWS: [&str; 3] = [ALL, EACH, KNOWN];

/// Fewer than are known at once: what they take is what the memory grows by.
const FEW: usize = 20_000;
const MANY: usize = 100_000;

const MIB: f64 = 1024.0 * 1024.0;

/// Fills the memory of `bench/hot-path`.
///
/// # Errors
/// When it cannot be built, or traps.
pub fn measure(_plan: &Plan) -> Result<Vec<Row>> {
    let wasm = build::hot_path()?;
    let mut node = tools::npm::command("node");
    node.current_dir(project::root()).arg("xtask/runtime/memory.mjs").arg("--wasm").arg(wasm);
    let told = step::answer(node.args(["--keys", &format!("0,{FEW},{MANY}")])).context("the memory could not be filled")?;
    let told: Value = serde_json::from_str(&told)?;
    let number = |row: usize, name: &str| told[row][name].as_f64().with_context(|| format!("the filling told no {name}"));
    let (empty, few, many) = (number(0, "bytes")?, number(1, "bytes")?, number(2, "bytes")?);
    Ok(vec![
        Row::new(ALL, many / MIB, "MiB").at_most(64.0),
        Row::new(EACH, (few - empty) / FEW as f64, "bytes"),
        Row::new(KNOWN, number(2, "known")?, "keys"),
    ])
}
