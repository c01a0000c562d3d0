//! `cargo xtask check`: what CI asks for beside the tests.

use std::{env, process::Command};

use anyhow::Result;

use crate::{
    project, step,
    tools::{self, wasm::Toolchain},
};

/// Runs every check and fails at the first that finds something.
///
/// # Errors
/// The check that failed; its output is above.
pub fn run() -> Result<()> {
    let toolchain = tools::wasm::ensure()?;
    let deny = tools::deny::ensure()?;

    step::tell("Format");
    step::aloud(cargo().args(["fmt", "--all", "--check"]))?;
    step::tell("Lints, host");
    step::aloud(cargo().args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))?;
    step::tell(&format!("Lints, wasm ({})", toolchain.name()));
    step::aloud(&mut wasm_clippy(&toolchain))?;
    step::tell("Licenses, sources, duplicate and banned crates");
    // A build fetches only what its own platform needs; the audit reads the whole lock file.
    step::quietly(cargo().args(["fetch", "--locked"]))?;
    // Advisories need a database from the network, which a build must not depend on.
    let mut audit = Command::new(deny);
    audit.current_dir(project::root()).args(["--offline", "--workspace", "check", "bans", "licenses", "sources"]);
    step::aloud(&mut audit)
}

/// The library as it is deployed: code behind `cfg(target_arch)` is seen by no host check.
fn wasm_clippy(toolchain: &Toolchain) -> Command {
    let mut clippy = toolchain.cargo("clippy");
    clippy.args(["--package", "latchkey", "--lib", "--locked", "--", "-D", "warnings"]);
    clippy
}

fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(project::root());
    cargo
}
