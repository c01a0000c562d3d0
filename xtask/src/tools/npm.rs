//! What npm brings: wrangler, workerd, Node itself, wasm-opt, esbuild and playwright-core, at the versions of
//! `package-lock.json`.

use std::{env, ffi::OsString, fs, path::PathBuf, process::Command};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::{project, step};

/// The binaries the verbs call; a missing one means that an install script was refused.
const NEEDED: [&str; 5] = ["node", "wrangler", "workerd", "wasm-opt", "esbuild"];

/// Installs the npm packages when they are missing or not those of the lock file.
///
/// # Errors
/// When npm is missing or fails, or when it left out a binary.
pub fn ensure() -> Result<()> {
    let wanted = lock_digest()?;
    let stamp = modules().join(".latchkey-lock");
    if fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) && missing().is_empty() {
        return Ok(());
    }
    let mut version = Command::new("npm");
    if step::answer(version.arg("--version")).is_none() {
        bail!("npm is not installed. It brings wrangler, workerd and their Node: install Node.js with npm, then run this again.");
    }
    step::tell("Installing npm packages (about 500 MB, once) …");
    let mut install = Command::new("npm");
    // The engine warnings of npm are about the machine's Node; the packages run on the Node that they bring.
    install.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(project::root());
    step::timed("npm ci", || step::quietly(&mut install).map(|()| ((), "installed".to_owned())))?;
    let missing = missing();
    if !missing.is_empty() {
        bail!(
            "npm installed the packages but not their binaries ({}): install scripts are switched off on this machine.\n\
             Allow them for this project: `npm ci --ignore-scripts=false`, then run this again.",
            missing.join(", ")
        );
    }
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

/// A binary of the npm packages, on the project's own Node.
pub fn command(binary: &str) -> Command {
    let mut command = Command::new(bin().join(binary));
    command.env("PATH", path_with_node());
    command
}

/// The search path with the project's Node first: wrangler and the like start with `env node`.
pub fn path_with_node() -> OsString {
    let mut folders = vec![bin()];
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    env::join_paths(folders).unwrap_or_default()
}

fn modules() -> PathBuf {
    project::root().join("node_modules")
}

fn bin() -> PathBuf {
    modules().join(".bin")
}

fn missing() -> Vec<&'static str> {
    // Node's own binary is fetched by a script of its package, so its file alone proves nothing.
    let there = |name: &str| match name {
        "node" => step::answer(command(name).arg("--version")).is_some(),
        _ => bin().join(name).exists(),
    };
    NEEDED.into_iter().filter(|name| !there(name)).collect()
}

fn lock_digest() -> Result<String> {
    let lock = project::root().join("package-lock.json");
    let bytes = fs::read(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    Ok(base64::Engine::encode(&base64::engine::general_purpose::STANDARD, Sha256::digest(&bytes)))
}

/// The version of an installed package, for stamps; empty when it cannot be told.
pub fn version(package: &str) -> String {
    let manifest = fs::read(modules().join(package).join("package.json")).unwrap_or_default();
    let parsed: serde_json::Value = serde_json::from_slice(&manifest).unwrap_or_default();
    parsed["version"].as_str().unwrap_or_default().to_owned()
}
