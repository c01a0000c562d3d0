//! `cargo xtask test`: the worker is built first, because the edge tests run it on the real runtime.

use std::{env, process::Command};

use anyhow::Result;

use crate::{build, project, step};

/// Arguments of `cargo test` that choose what is tested.
const SELECTIONS: [&str; 11] =
    ["--lib", "--bin", "--bins", "--test", "--tests", "--doc", "--example", "--examples", "--bench", "--benches", "--all-targets"];

/// Builds and runs `cargo test --workspace` with `arguments`.
///
/// # Errors
/// When the build or a test fails.
pub fn run(arguments: &[String]) -> Result<()> {
    build::run()?;
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["test", "--workspace", "--locked"]);
    if !arguments.iter().any(|argument| SELECTIONS.contains(&argument.as_str())) {
        // All but doc tests: there are none, and their closing line would say that no test ran.
        cargo.args(["--lib", "--bins", "--tests"]);
    }
    cargo.args(arguments).current_dir(project::root()).env("LATCHKEY_ROOT", project::root());
    step::aloud(&mut cargo)
}
