//! cargo-deny, compiled once into the tools folder.

use std::{env, fs, path::PathBuf, process::Command};

use anyhow::Result;

use crate::{project, step};

const VERSION: &str = "0.20.2";

/// The path of the binary.
///
/// # Errors
/// When it has to be compiled and cannot.
pub fn ensure() -> Result<PathBuf> {
    // The version is part of the folder's name: a new one is installed beside the old.
    let root = project::tools_dir().join(format!("cargo-deny-{VERSION}"));
    let binary = root.join("bin/cargo-deny");
    if step::answer(Command::new(&binary).arg("--version")).is_some() {
        return Ok(binary);
    }
    step::tell("Compiling cargo-deny (a few minutes, once) …");
    let mut install = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    install.args(["install", "cargo-deny", "--locked", "--version", VERSION, "--root"]).arg(&root);
    // In a folder that stays when this is interrupted, so that the next run goes on where it stopped.
    let work = project::root().join("target/cargo-deny");
    install.arg("--target-dir").arg(&work);
    step::timed("cargo-deny", || step::quietly(&mut install).map(|()| ((), "installed".to_owned())))?;
    let _ = fs::remove_dir_all(work);
    Ok(binary)
}
