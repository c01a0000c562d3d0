//! The last step: the finished pair and the files served beside it replace those in `build/`, all at once or not at all.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::project;

const NAMES: [&str; 2] = ["index.js", "index_bg.wasm"];

/// The folder that `[assets]` of wrangler.toml names.
const ASSETS: &str = "assets";

/// Puts pair and assets in place, unless they are there already.
///
/// # Errors
/// When the folders cannot be written.
pub fn run(module: &Path, wasm: &Path, assets: &[(PathBuf, Vec<u8>)]) -> Result<((), String)> {
    let target = project::build_dir();
    let sources = [module, wasm];
    let same = NAMES.iter().zip(sources).all(|(name, source)| same_content(&target.join(name), source));
    let served =
        |folder: &Path| assets.iter().all(|(path, content)| fs::read(folder.join(ASSETS).join(path)).is_ok_and(|have| have == *content));
    if same && served(&target) {
        return Ok(((), "unchanged".to_owned()));
    }
    // Beside the target, so that a rename suffices; glue and shim fit only the wasm they were made with.
    let next = project::root().join("target/edge/build.new");
    let _ = fs::remove_dir_all(&next);
    fs::create_dir_all(&next).with_context(|| format!("cannot create {}", next.display()))?;
    for (name, source) in NAMES.iter().zip(sources) {
        fs::copy(source, next.join(name)).with_context(|| format!("cannot copy {}", source.display()))?;
    }
    for (path, content) in assets {
        let path = next.join(ASSETS).join(path);
        let folder = path.parent().context("a file stands in a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
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
