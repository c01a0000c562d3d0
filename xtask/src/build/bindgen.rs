//! The second and third step: wasm-bindgen writes the JavaScript glue, wasm-opt makes the wasm smaller and faster.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use super::stamp::Inputs;
use crate::{project, step, tools};

/// What rustc emits for wasm32, and the exception handling of wasm-bindgen's abort handler; named one by one, so that
/// a newer wasm-opt cannot emit an encoding that workerd does not read yet.
const FEATURES: [&str; 7] =
    ["bulk-memory", "exception-handling", "multivalue", "mutable-globals", "nontrapping-float-to-int", "reference-types", "sign-ext"];

/// The glue: `index.js` and `index_bg.wasm` in a folder of their own.
///
/// # Errors
/// When the versions differ or wasm-bindgen refuses the wasm.
pub fn glue(compiled: &Path, stage: &Path) -> Result<(PathBuf, String)> {
    let version = matching_version()?;
    let folder = stage.join("glue");
    let outcome = Inputs::of(&version).file(compiled)?.make(&folder, || {
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
    // `-O3` makes more of it, and `-Oz` what compresses worse. A function with one caller stays beside it unless it is small:
    // merged into functions of tens of kilobytes, all are written with locals and offsets of many bytes that compress badly.
    // What is alike stands together by name, which compression likes. The lowest addresses are the far end of the stack.
    let mut arguments = ["-Os", "--one-caller-inline-max-function-size=30", "--low-memory-unused", "--reorder-functions-by-name"]
        .map(str::to_owned)
        .to_vec();
    arguments.extend(FEATURES.iter().map(|feature| format!("--enable-{feature}")));
    let recipe = format!("{}{}", tools::npm::version("binaryen"), arguments.join(" "));
    let outcome = Inputs::of(&recipe)
        .file(&input)?
        .make(&result, || step::quietly(tools::npm::command("wasm-opt").arg(&input).arg("-o").arg(&result).args(&arguments)))?;
    Ok((result, outcome))
}

/// The glue's generator and the crate in the product speak a private format that changes with every version.
fn matching_version() -> Result<String> {
    let lock = fs::read_to_string(project::root().join("Cargo.lock")).context("cannot read Cargo.lock")?;
    let product = locked(&lock, "wasm-bindgen").context("wasm-bindgen is not in Cargo.lock")?;
    let generator = locked(&lock, "wasm-bindgen-cli-support").context("wasm-bindgen-cli-support is not in Cargo.lock")?;
    if product != generator {
        bail!(
            "Cargo.lock has wasm-bindgen {product}, but xtask writes the glue of {generator}: they must be equal.\n\
             Either set `wasm-bindgen-cli-support = \"={product}\"` in xtask/Cargo.toml,\n\
             or run `cargo update --package wasm-bindgen --precise {generator}`."
        );
    }
    Ok(product.to_owned())
}

fn locked<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let (_, entry) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    entry.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::locked;

    #[test]
    fn version_is_that_of_the_package_and_not_of_one_with_a_longer_name() {
        let lock = "name = \"wasm-bindgen-shared\"\nversion = \"0.1.0\"\n\nname = \"wasm-bindgen\"\nversion = \"0.2.0\"\n";
        assert_eq!(locked(lock, "wasm-bindgen"), Some("0.2.0"));
        assert_eq!(locked(lock, "walrus"), None);
    }
}
