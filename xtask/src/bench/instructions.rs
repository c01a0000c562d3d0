//! How many instructions the steps of a decision take on the host: a count, and so the same in each run.

use std::{env, process::Command};

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Plan, row::Row};
use crate::{project, step, tools};

pub const ROWS: [&str; 1] = ["instructions, host"];

/// Counts them.
///
/// # Errors
/// When there is no valgrind, or it fails.
pub fn measure(_plan: &Plan) -> Result<Vec<Row>> {
    tools::valgrind::ensure()?;
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["bench", "--quiet", "--locked", "--package", "hot-path", "--bench", "instructions"]).current_dir(project::root());
    let told = step::answer(&mut cargo).context("`cargo bench --package hot-path --bench instructions` failed")?;
    let told: Value = serde_json::from_str(&told)?;
    let counts = told["instructions"].as_object().context("nothing was counted")?;
    Ok(counts.iter().filter_map(|(step, count)| Some(Row::new(&format!("{}: {step}", ROWS[0]), count.as_f64()?, "instructions"))).collect())
}
