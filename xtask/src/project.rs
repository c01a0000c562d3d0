//! Where things are in the repository. Every other module asks here.

use std::{
    env,
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

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

/// KV, D1 and Durable Objects of `dev`, unless another folder is asked for.
pub fn state_dir() -> PathBuf {
    private_dir().join("state")
}

/// Tools that are slow to make. `clean-state` leaves them alone.
pub fn tools_dir() -> PathBuf {
    private_dir().join("tools")
}

/// A path as a person would type it from the root.
pub fn display(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// A path as a command started in the current folder would take it.
pub fn from_here(path: &Path) -> String {
    let here = env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).display().to_string()
}

/// Writes a file that only its owner may read, whole or not at all.
///
/// # Errors
/// When the folder cannot be written.
pub fn write_private(path: &Path, text: &str) -> Result<()> {
    let write = || -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let next = path.with_extension("new");
        // The mode counts only when a file is created.
        let _ = fs::remove_file(&next);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&next)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&next, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}
