//! `cargo xtask test`: the worker is built first, because the edge tests run it on the real runtime.

use std::{env, process::Command};

use anyhow::Result;

use crate::{build, project, step};

/// Builds and runs `cargo test --workspace` with `arguments`.
///
/// # Errors
/// When the build or a test fails.
pub fn run(arguments: &[String]) -> Result<()> {
    build::run()?;
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["test", "--workspace", "--locked"]).args(arguments);
    cargo.current_dir(project::root()).env("LATCHKEY_ROOT", project::root());
    step::aloud(&mut cargo)
}
