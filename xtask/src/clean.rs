//! `cargo xtask clean-state`: a fresh start for the data, without rebuilding any tool.

use std::{fs, io::ErrorKind, path::Path};

use anyhow::{Context, Result};
use clap::Args;

use crate::{dev, project};

#[derive(Args)]
pub struct Options {
    /// Remove the operator token and the tools too.
    #[arg(long)]
    all: bool,
}

/// Removes the state of `dev` and that of a plain `wrangler dev`.
///
/// # Errors
/// When a `dev` is running on it, or a folder cannot be removed.
pub fn run(options: &Options) -> Result<()> {
    let state = project::state_dir();
    // Taken and held: the files must not vanish under a running server.
    let _lock = if state.exists() { Some(dev::lock_state(&state)?) } else { None };
    remove(&state)?;
    remove(&project::root().join(".wrangler"))?;
    if options.all {
        remove(&project::private_dir())?;
        remove(&project::root().join(".dev.vars"))?;
    }
    Ok(())
}

fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_file() { fs::remove_file(path) } else { fs::remove_dir_all(path) };
    match removed {
        Ok(()) => println!("removed {}", project::display(path)),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => {
            return Err(error).with_context(|| format!("cannot remove {}", path.display()));
        }
    }
    Ok(())
}
