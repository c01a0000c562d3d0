//! `cargo xtask backup` and `restore`: the truth in D1 as a folder of two files, and back.
//!
//! Only D1 is kept: KV and the guards are made from it. `script.rs` has the rules of a restore; `place.rs` runs wrangler.

mod backup;
mod manifest;
mod place;
mod restore;
mod script;
#[cfg(test)]
mod script_tests;

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use self::place::Place;

#[derive(Args)]
struct Where {
    /// The deployment of wrangler.toml; otherwise the local state.
    #[arg(long, conflicts_with = "state")]
    remote: bool,
    /// The folder of the local state [default: .latchkey/state].
    #[arg(long)]
    state: Option<PathBuf>,
}

#[derive(Args)]
pub struct BackupOptions {
    /// The folder to make; it must not be there.
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    place: Where,
}

#[derive(Args)]
pub struct RestoreOptions {
    /// A folder that `backup` made.
    #[arg(long)]
    from: PathBuf,
    #[command(flatten)]
    place: Where,
    /// Also bring back keys that were revoked or deleted since the backup was made.
    #[arg(long)]
    undo_endings: bool,
    /// No guard has any state, as on a new account: no guard is told anything.
    #[arg(long)]
    guards_are_new: bool,
    /// Replace the data of a deployment; asked for with `--remote`.
    #[arg(long)]
    yes: bool,
}

/// Makes a backup.
///
/// # Errors
/// When there is nothing to back up, or wrangler fails; no folder is left then.
pub fn backup(options: &BackupOptions) -> Result<()> {
    backup::run(&Place::new(&options.place)?, &options.out)
}

/// Makes D1 what a backup says, and KV and guards follow.
///
/// # Errors
/// When the backup is damaged or newer than this release, or wrangler fails.
pub fn restore(options: &RestoreOptions) -> Result<()> {
    restore::run(&Place::new(&options.place)?, options)
}
