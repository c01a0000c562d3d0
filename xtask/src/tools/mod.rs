//! The tools that the verbs need: found, or installed once into a folder that git ignores.
//!
//! Each part is idempotent: with everything in place it costs a few milliseconds, and a run that was interrupted is
//! simply repeated. What cannot be installed is named in one message with what to do about it.

pub mod chromium;
mod debian;
pub mod deny;
pub mod npm;
pub mod proxies;
pub mod valgrind;
pub mod wasm;
pub mod wrangler;

use std::process::Command;

use anyhow::{Result, bail};

/// All that a build needs; what is missing is told at once, not one thing per run.
///
/// # Errors
/// When something can neither be found nor installed.
pub fn for_build() -> Result<wasm::Toolchain> {
    match (npm::ensure(), wasm::ensure()) {
        (Ok(()), toolchain) => toolchain,
        (Err(error), Ok(_)) => Err(error),
        (Err(first), Err(second)) => bail!("{first:#}\n\n{second:#}"),
    }
}

/// The same command, started by another program.
pub fn within(program: &str, arguments: &[&str], inner: &Command) -> Command {
    let mut outer = Command::new(program);
    outer.args(arguments).arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    if let Some(folder) = inner.get_current_dir() {
        outer.current_dir(folder);
    }
    outer
}
