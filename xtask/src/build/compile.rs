//! The first step: cargo compiles the crate to wasm. Cargo itself knows whether there is something to do.

use std::{io::IsTerminal, path::PathBuf};

use anyhow::Result;

use crate::{
    project, step,
    tools::wasm::{TARGET, Toolchain},
};

/// Compiles a crate of the workspace and gives the path of its wasm.
///
/// # Errors
/// When the crate does not compile; cargo has then said why.
pub fn run(toolchain: &Toolchain, package: &str, profile: &str) -> Result<PathBuf> {
    let mut cargo = toolchain.cargo("build");
    cargo.args(["--profile", profile, "--locked", "--package", package, "--lib"]);
    if !std::io::stderr().is_terminal() {
        // Without a terminal cargo would print a line per crate.
        cargo.arg("--quiet");
    }
    step::aloud(&mut cargo)?;
    Ok(project::wasm_target_dir().join(TARGET).join(profile).join(format!("{}.wasm", package.replace('-', "_"))))
}
