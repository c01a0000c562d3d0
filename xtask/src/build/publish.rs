//! The last step: the finished pair replaces the one in `build/`, both files at once or not at all.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::project;

const NAMES: [&str; 2] = ["index.js", "index_bg.wasm"];

/// Puts the pair in place, unless it is there already.
///
/// # Errors
/// When the folders cannot be written.
pub fn run(module: &Path, wasm: &Path) -> Result<((), String)> {
    let target = project::build_dir();
    let sources = [module, wasm];
    let same = NAMES.iter().zip(sources).all(|(name, source)| same_content(&target.join(name), source));
    if same {
        return Ok(((), "unchanged".to_owned()));
    }
    // Beside the target, so that a rename suffices; glue and shim fit only the wasm they were made with.
    let next = project::root().join("target/edge/build.new");
    let _ = fs::remove_dir_all(&next);
    fs::create_dir_all(&next).with_context(|| format!("cannot create {}", next.display()))?;
    for (name, source) in NAMES.iter().zip(sources) {
        fs::copy(source, next.join(name)).with_context(|| format!("cannot copy {}", source.display()))?;
    }
    swap(&next, &target).with_context(|| format!("cannot replace {}", project::display(&target)))?;
    let _ = fs::remove_dir_all(&next);
    Ok(((), "replaced".to_owned()))
}

/// Exchanges the two folders in one step where the file system can, else with a gap of two renames.
fn swap(next: &Path, target: &Path) -> Result<()> {
    if !target.exists() {
        return Ok(fs::rename(next, target)?);
    }
    if renameat_with(CWD, next, CWD, target, RenameFlags::EXCHANGE).is_ok() {
        return Ok(());
    }
    let old = next.with_extension("old");
    let _ = fs::remove_dir_all(&old);
    fs::rename(target, &old)?;
    fs::rename(next, target)?;
    Ok(fs::remove_dir_all(&old)?)
}

fn same_content(left: &Path, right: &Path) -> bool {
    matches!((fs::read(left), fs::read(right)), (Ok(left), Ok(right)) if left == right)
}
