//! The state folder: one user at a time, and the database's tables in it.

use std::{
    fs::{self, File, TryLockError},
    path::Path,
};

use anyhow::{Context, Result, bail};

use crate::{project, step, tools};

/// Takes the folder for this process; the lock ends with it, however it ends.
///
/// # Errors
/// When another `dev` has it: two runtimes on one folder would be two copies of each Durable Object.
pub fn lock(state: &Path) -> Result<File> {
    fs::create_dir_all(state).with_context(|| format!("cannot create {}", state.display()))?;
    let path = state.join("dev.lock");
    let lock = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            bail!("another `cargo xtask dev` is using {}; stop it, or choose another folder with `--state`", project::from_here(state))
        }
        Err(TryLockError::Error(error)) => Err(error).context("cannot lock the state folder"),
    }
}

/// Applies the migrations that this state has not seen.
///
/// # Errors
/// Those of wrangler.
pub fn migrate(state: &Path) -> Result<()> {
    let has_migrations = fs::read_dir(project::root().join("migrations"))
        .is_ok_and(|entries| entries.flatten().any(|entry| entry.path().extension().is_some_and(|e| e == "sql")));
    if !has_migrations {
        return Ok(());
    }
    let mut wrangler = tools::wrangler::command();
    wrangler.args(["d1", "migrations", "apply", "latchkey", "--local", "--persist-to"]).arg(state);
    step::quietly(&mut wrangler)
}
