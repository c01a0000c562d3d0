//! Where things are in the repository. Every other module asks here.

use std::path::{Path, PathBuf};

/// The repository's root: the folder above this crate.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The finished worker: `index.js` and `index_bg.wasm`.
pub fn build_dir() -> PathBuf {
    root().join("build")
}

/// Intermediate results of the wasm build. Apart from cargo's host artifacts, so that a build started by wrangler
/// never waits for (or invalidates) a running `cargo test`.
pub fn wasm_target_dir() -> PathBuf {
    root().join("target").join("edge")
}

/// What git ignores and a developer keeps: tools, local state, the operator token.
pub fn private_dir() -> PathBuf {
    root().join(".latchkey")
}

/// Tools that are slow to make. `clean-state` leaves them alone.
pub fn tools_dir() -> PathBuf {
    private_dir().join("tools")
}

/// A path as a person would type it from the root.
pub fn display(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
