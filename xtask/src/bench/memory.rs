//! What hot keys take of an isolate's memory, and what a decision takes with many of them, in the wasm: without guards, of
//! which a local runtime cannot hold so many.

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Plan, row::Row, spread::ratios};
use crate::{build, project, step, tools};

const ALL: &str = "memory after 100000 hot keys, wasm";
const EACH: &str = "memory of a hot key, wasm";
const KNOWN: &str = "memory: hot keys that are known at once, wasm";
const MORE: &str = "decision in wasm: 100000 hot keys over 1";

const TIMES: [&str; 3] = ["decision in wasm: 1 hot key", "decision in wasm: 1000 hot keys", "decision in wasm: 100000 hot keys"];

pub const ROWS: [&str; 7] = [ALL, EACH, KNOWN, MORE, TIMES[0], TIMES[1], TIMES[2]];

/// So many keys are added. What a key takes is told by what memory has grown by while all are known.
const SIZES: &str = "0,1,1000,20000,100000";
const FEW: usize = 3;
const MANY: usize = 4;
/// Of the sizes, those that decisions are timed with.
const DECIDED: [usize; 3] = [1, 2, 4];

const DECISIONS: usize = 50_000;

const MIB: f64 = 1024.0 * 1024.0;

/// Fills the memory of `bench/hot-path`, and decides out of it.
///
/// # Errors
/// When it cannot be built, or traps.
pub fn measure(plan: &Plan) -> Result<Vec<Row>> {
    let wasm = build::hot_path()?;
    let mut node = tools::npm::command("node");
    node.current_dir(project::root()).arg("xtask/runtime/memory.mjs").arg("--wasm").arg(wasm);
    node.args(["--keys", SIZES, "--decisions", &DECISIONS.to_string(), "--rounds", &plan.rounds.to_string()]);
    let told: Value = serde_json::from_str(&step::answer(&mut node).context("the memory could not be filled")?)?;
    let filled = |row: usize, name: &str| told["memory"][row][name].as_f64().with_context(|| format!("the filling told no {name}"));
    let (grown, added) = (filled(FEW, "bytes")? - filled(0, "bytes")?, filled(FEW, "added")?);
    let mut rows = vec![
        Row::new(ALL, filled(MANY, "bytes")? / MIB, "MiB").at_most(64.0),
        Row::new(EACH, grown / added, "bytes"),
        Row::new(KNOWN, filled(MANY, "known")?, "keys"),
    ];
    let timed: [Vec<f64>; 3] =
        DECIDED.map(|row| told["decisions"][row].as_array().into_iter().flatten().filter_map(Value::as_f64).collect());
    let [one, _, most] = &timed;
    rows.push(Row::of(MORE, &ratios(most, one), "×"));
    rows.extend(TIMES.into_iter().zip(&timed).map(|(name, ns)| Row::of(name, ns, "ns")));
    Ok(rows)
}
