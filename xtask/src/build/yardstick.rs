//! The empty Rust worker that `bench` measures against: the product's build steps over another crate and another shim.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};

use super::{bindgen, bundle, compile, exclusive};
use crate::{project, step, tools};

/// Builds `bench/empty-rust` with the default shim and gives the folder with `index.js` and `index_bg.wasm`.
///
/// # Errors
/// Those of the tools.
pub fn run() -> Result<PathBuf> {
    let toolchain = tools::for_build()?;
    let stage = project::wasm_target_dir().join("yardstick");
    fs::create_dir_all(&stage).with_context(|| format!("cannot create {}", stage.display()))?;
    let _lock = exclusive()?;
    step::tell("Building the empty Rust worker:");
    let name = toolchain.name().to_owned();
    let compiled = step::timed("cargo", || compile::run(&toolchain, "empty-rust", "yardstick").map(|wasm| (wasm, name)))?;
    let glue = step::timed("wasm-bindgen", || bindgen::glue(&compiled, &stage))?;
    step::timed("wasm-opt", || bindgen::optimize(&glue, &stage))?;
    step::timed("esbuild", || bundle::run(&project::root().join("bench/empty-rust/shim.js"), &glue, &stage))?;
    Ok(stage)
}
