//! The second and third step: wasm-bindgen writes the JavaScript glue, wasm-opt makes the wasm smaller and faster.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use super::stamp::Inputs;
use crate::{project, step, tools};

/// The crate in Cargo.toml is pinned to it; see [`check_versions`].
const BINDGEN_VERSION: &str = "0.2.130";

/// What rustc emits for wasm32, and the exception handling of wasm-bindgen's abort handler; named one by one, so that
/// a newer wasm-opt cannot emit an encoding that workerd does not read yet.
const FEATURES: [&str; 7] =
    ["bulk-memory", "exception-handling", "multivalue", "mutable-globals", "nontrapping-float-to-int", "reference-types", "sign-ext"];

/// The glue: `index.js` and `index_bg.wasm` in a folder of their own.
///
/// # Errors
/// When the versions differ or wasm-bindgen refuses the wasm.
pub fn glue(compiled: &Path, stage: &Path) -> Result<(PathBuf, String)> {
    check_versions()?;
    let folder = stage.join("glue");
    let outcome = Inputs::of(BINDGEN_VERSION).file(compiled)?.make(&folder, || {
        let _ = fs::remove_dir_all(&folder);
        let mut bindgen = Bindgen::new();
        bindgen
            .input_path(compiled)
            .out_name("index")
            .module(true)?
            .typescript(false)
            // The two that let the shim replace an instance that panicked.
            .reset_state_function(true)
            .force_enable_abort_handler(true);
        bindgen.generate(&folder).context("wasm-bindgen refused the compiled wasm")
    })?;
    Ok((folder, outcome))
}

/// The optimized wasm.
///
/// # Errors
/// Those of wasm-opt.
pub fn optimize(glue: &Path, stage: &Path) -> Result<(PathBuf, String)> {
    let input = glue.join("index_bg.wasm");
    let result = stage.join("index_bg.wasm");
    let mut arguments = vec!["-O3".to_owned()];
    arguments.extend(FEATURES.iter().map(|feature| format!("--enable-{feature}")));
    let recipe = format!("{}{}", tools::npm::version("binaryen"), arguments.join(" "));
    let outcome = Inputs::of(&recipe)
        .file(&input)?
        .make(&result, || step::quietly(tools::npm::command("wasm-opt").arg(&input).arg("-o").arg(&result).args(&arguments)))?;
    Ok((result, outcome))
}

/// The glue's generator and the crate in the product speak a private format that changes with every version.
fn check_versions() -> Result<()> {
    let lock = fs::read_to_string(project::root().join("Cargo.lock")).context("cannot read Cargo.lock")?;
    let mut lines = lock.lines().skip_while(|line| *line != "name = \"wasm-bindgen\"");
    let version = lines.nth(1).and_then(|line| line.split('"').nth(1)).unwrap_or("none");
    if version != BINDGEN_VERSION {
        bail!(
            "wasm-bindgen is {version} in Cargo.lock, but xtask writes the glue of {BINDGEN_VERSION}.\n\
             Set both to one version: `wasm-bindgen-cli-support` in xtask/Cargo.toml with BINDGEN_VERSION in \
             xtask/src/build/bindgen.rs, or `cargo update -p wasm-bindgen --precise {BINDGEN_VERSION}`."
        );
    }
    Ok(())
}
