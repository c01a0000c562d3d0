//! Chromium, which the browser tests drive: the one that is named, else the one on the search path, else Debian's.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};

use super::debian;
use crate::step;

/// Names the browser; the tests read it too.
pub const VARIABLE: &str = "LATCHKEY_CHROMIUM";

const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
const PACKAGES: [&str; 1] = ["chromium"];

/// The path of the browser.
///
/// # Errors
/// When there is none and none can be installed.
pub fn ensure() -> Result<PathBuf> {
    if let Some(named) = env::var_os(VARIABLE).map(PathBuf::from) {
        if !answers(&named) {
            bail!("{VARIABLE} names {}, which does not answer to --version", named.display());
        }
        return Ok(named);
    }
    if let Some(found) = on_path() {
        return Ok(found);
    }
    if debian::can_install(&PACKAGES) {
        step::tell("Installing Debian's Chromium for the browser tests …");
        step::timed("apt-get", || debian::apt(&PACKAGES).map(|()| ((), "installed".to_owned())))?;
    }
    match on_path() {
        Some(found) => Ok(found),
        None => bail!(
            "there is no Chromium, which the browser tests drive. Install Chromium or Google Chrome, or name one in \
             {VARIABLE}, then run this again. The other tests run without: `cargo xtask test --lib --bins --test edge`."
        ),
    }
}

fn on_path() -> Option<PathBuf> {
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    let candidates = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    // A wrapper without its browser (Ubuntu has one) is on the path too, but does not answer.
    candidates.filter(|path| path.is_file()).find(|path| answers(path))
}

fn answers(browser: &Path) -> bool {
    step::answer(Command::new(browser).arg("--version")).is_some()
}
