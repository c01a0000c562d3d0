//! The fourth step: esbuild joins an entry shim and the glue into one module beside the wasm.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::stamp::Inputs;
use crate::{step, tools};

/// The bundled `index.js`.
///
/// # Errors
/// Those of esbuild.
pub fn run(shim: &Path, glue: &Path, stage: &Path) -> Result<(PathBuf, String)> {
    let result = stage.join("index.js");
    let arguments = [
        "--bundle".to_owned(),
        "--format=esm".to_owned(),
        "--minify-whitespace".to_owned(),
        "--minify-syntax".to_owned(),
        "--log-level=warning".to_owned(),
        // Both are resolved by the runtime.
        "--external:./index_bg.wasm".to_owned(),
        "--external:cloudflare:*".to_owned(),
        format!("--alias:latchkey-wasm={}", glue.join("index.js").display()),
    ];
    let recipe = format!("{}{}", tools::npm::version("esbuild"), arguments.join(" "));
    // The glue's folder whole: the shim's other files stand there, as the wasm was compiled with them.
    let inputs = Inputs::of(&recipe).file(shim)?.folder(glue)?;
    let outcome = inputs.make(&result, || {
        let mut esbuild = tools::npm::command("esbuild");
        esbuild.arg(shim).args(&arguments).arg(format!("--outfile={}", result.display()));
        step::quietly(&mut esbuild)?;
        // wasm-bindgen writes a source-phase import, which the runtime does not know yet; its plain import of a wasm
        // module means the same.
        let text = fs::read_to_string(&result).context("cannot read the bundle")?;
        fs::write(&result, text.replace("import source ", "import ")).context("cannot write the bundle")
    })?;
    Ok((result, outcome))
}
