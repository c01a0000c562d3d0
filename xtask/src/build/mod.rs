//! `cargo xtask build`: cargo, wasm-bindgen, wasm-opt, esbuild, and one atomic move into `build/`.
//!
//! Wrangler runs this too (`[build]` in wrangler.toml), so a build with nothing to do is fast and touches nothing:
//! a changed file in `build/` would make wrangler reload.

mod assets;
mod bindgen;
mod bundle;
mod compile;
mod publish;
mod size;
mod stamp;
mod yardstick;

use std::{
    fs::{self, File},
    path::PathBuf,
};

use anyhow::{Context, Result};

use crate::{project, step, tools};

pub use size::gzipped;
pub use yardstick::run as yardstick;

/// Builds the worker, doing only the steps whose inputs changed.
///
/// # Errors
/// Those of the tools; `build/` is then as it was.
pub fn run() -> Result<()> {
    let toolchain = tools::for_build()?;
    let stage = project::wasm_target_dir().join("stage");
    fs::create_dir_all(&stage).with_context(|| format!("cannot create {}", stage.display()))?;
    let _lock = exclusive()?;

    step::tell("Building the worker:");
    let compiled =
        step::timed("cargo", || compile::run(&toolchain, "latchkey", "release").map(|wasm| (wasm, toolchain.name().to_owned())))?;
    let glue = step::timed("wasm-bindgen", || bindgen::glue(&compiled, &stage))?;
    let optimized = step::timed("wasm-opt", || bindgen::optimize(&glue, &stage))?;
    let module = step::timed("esbuild", || bundle::run(&project::root().join("shim/worker.js"), &glue, &stage))?;
    step::timed("build/", || publish::run(&module, &optimized, &assets::collect()?))?;
    size::print()
}

/// Compiles `bench/hot-path` as the worker is compiled, and gives the path of its wasm: what it would import is not there.
///
/// # Errors
/// Those of the tools.
pub fn hot_path() -> Result<PathBuf> {
    let toolchain = tools::for_build()?;
    let _lock = exclusive()?;
    step::tell("Building the memory of an isolate:");
    step::timed("cargo", || compile::run(&toolchain, "hot-path", "release").map(|wasm| (wasm, toolchain.name().to_owned())))
}

/// One build at a time: `dev`, wrangler and a test may all ask for one.
fn exclusive() -> Result<File> {
    let path = project::wasm_target_dir().join("build.lock");
    let lock = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    if lock.try_lock().is_err() {
        step::tell("Waiting for another build …");
        lock.lock().context("cannot lock the build")?;
    }
    Ok(lock)
}
