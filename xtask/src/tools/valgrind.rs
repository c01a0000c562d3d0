//! Valgrind, which counts the instructions of the hot path: the one on the search path, else Debian's.

use std::process::Command;

use anyhow::{Result, bail};

use super::debian;
use crate::step;

const PACKAGES: [&str; 1] = ["valgrind"];

/// Whether the counts mean anything here: they are of x86-64, and valgrind is at home on Linux.
pub const COUNTS: bool = cfg!(all(target_os = "linux", target_arch = "x86_64"));

/// Sees to it that there is one.
///
/// # Errors
/// When there is none and none can be installed.
pub fn ensure() -> Result<()> {
    if answers() {
        return Ok(());
    }
    if debian::can_install(&PACKAGES) {
        step::tell("Installing Debian's valgrind for the instruction counts …");
        step::timed("apt-get", || debian::apt(&PACKAGES).map(|()| ((), "installed".to_owned())))?;
    }
    if !answers() {
        bail!(
            "there is no valgrind, which counts the instructions of the hot path. Install it, then run this again. The other \
             tests run without: `cargo xtask test --lib --bins --test edge`."
        );
    }
    Ok(())
}

fn answers() -> bool {
    step::answer(Command::new("valgrind").arg("--version")).is_some()
}
