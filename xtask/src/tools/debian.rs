//! Debian's Rust for the browser (`rustc-web`): a current compiler with its library source, for machines where rustup
//! may not download. The target's library is built from that source once, into a folder of the project: nothing is
//! written to `/usr` beside what apt installs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use super::wasm::TARGET;
use crate::{project, step};

pub const PACKAGES: [&str; 5] = ["rustc-web", "cargo-web", "rust-web-src", "lld-22", "rust-web-clippy"];

const RUSTC: &str = "/usr/bin/rustc";
const CARGO: &str = "/usr/bin/cargo";
const CLIPPY: &str = "/usr/bin/cargo-clippy";
const LINKER: &str = "wasm-ld-22";

/// The sysroot, if an earlier run has made it for the compiler that is installed now.
pub fn ready() -> Option<PathBuf> {
    let sysroot = sysroot()?;
    let complete = has_library(&library(&sysroot)) && missing(&PACKAGES).is_empty();
    complete.then_some(sysroot)
}

/// Whether this machine has or could have the toolchain.
pub fn available() -> bool {
    can_install(&PACKAGES)
}

/// Whether this machine has or could have these: Debian's package tools, and the packages installed or root to install
/// them.
pub fn can_install(packages: &[&'static str]) -> bool {
    let apt = step::answer(Command::new("apt-get").arg("--version")).is_some();
    apt && (missing(packages).is_empty() || is_root())
}

/// Installs the packages that are missing and builds the target's library.
///
/// # Errors
/// When apt or the build of the library fails.
pub fn install() -> Result<PathBuf> {
    let missing = missing(&PACKAGES);
    if !missing.is_empty() {
        step::tell(&format!("Installing Debian's Rust toolchain for wasm: {} …", missing.join(" ")));
        step::timed("apt-get", || apt(&missing).map(|()| ((), "installed".to_owned())))?;
    }
    let sysroot = sysroot().with_context(|| format!("{RUSTC} does not answer"))?;
    if !has_library(&library(&sysroot)) {
        step::tell("Building the wasm standard library (about 20 s, once) …");
        step::timed("std for wasm", || build_library(&sysroot).map(|()| ((), "built".to_owned())))?;
    }
    Ok(sysroot)
}

/// Debian's `cargo <verb>` with Debian's compiler and linker, whatever the caller's toolchain has set.
pub fn cargo(verb: &str) -> Command {
    // Cargo would look for its plugin in its home first, where rustup's lints with another compiler.
    let mut command = Command::new(if verb == "clippy" { CLIPPY } else { CARGO });
    // `cargo run` and rustup leave these behind for the toolchain that runs xtask.
    for leftover in ["RUSTUP_TOOLCHAIN", "LD_LIBRARY_PATH", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"] {
        command.env_remove(leftover);
    }
    command.arg(verb).env("CARGO", CARGO).env("RUSTC", RUSTC).env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", LINKER);
    command
}

/// Whether a target library folder holds a built `core`.
pub fn has_library(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
}

fn sysroot() -> Option<PathBuf> {
    let version = step::answer(rustc().arg("--version"))?;
    // "rustc 1.96.0 (hash date) (…)": libraries of another compiler would be refused, so each has a folder.
    let number = version.split_whitespace().nth(1)?.to_owned();
    Some(project::tools_dir().join(format!("wasm-sysroot-{number}")))
}

fn rustc() -> Command {
    let mut command = Command::new(RUSTC);
    command.env_remove("LD_LIBRARY_PATH");
    command
}

fn library(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib").join(TARGET).join("lib")
}

fn missing(packages: &[&'static str]) -> Vec<&'static str> {
    let installed = |name: &&str| {
        let mut query = Command::new("dpkg-query");
        query.args(["--show", "--showformat", "${db:Status-Status}", name]);
        step::answer(&mut query).is_some_and(|status| status == "installed")
    };
    packages.iter().copied().filter(|name| !installed(name)).collect()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Installs packages.
///
/// # Errors
/// When apt fails; the message has its output.
pub fn apt(packages: &[&str]) -> Result<()> {
    let install = || {
        let mut command = Command::new("apt-get");
        command.args(["install", "-y", "--no-install-recommends"]).args(packages);
        step::quietly(command.env("DEBIAN_FRONTEND", "noninteractive"))
    };
    // A fresh machine has no package lists, an old one has stale ones: refresh them only when they fall short.
    install().or_else(|_| {
        step::quietly(Command::new("apt-get").arg("update"))?;
        install()
    })
}

/// Builds the standard library from an empty crate and puts it where the compiler looks under a sysroot.
fn build_library(sysroot: &Path) -> Result<()> {
    let work = project::tools_dir().join("std-build");
    fs::create_dir_all(work.join("src")).context("cannot create the folder of the wasm library")?;
    // A workspace of its own, else cargo would look for the project's.
    fs::write(
        work.join("Cargo.toml"),
        "[package]\nname = \"std-build\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n\
         [profile.release]\npanic = \"abort\"\ncodegen-units = 1\n",
    )?;
    fs::write(work.join("src/lib.rs"), "")?;
    let mut build = cargo("build");
    build
        .args(["--release", "--target", TARGET, "-Zbuild-std=std,panic_abort"])
        .current_dir(&work)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", work.join("target"))
        // The product is linked with fat LTO, which reaches into the library only through its bitcode.
        .env("CARGO_ENCODED_RUSTFLAGS", "-Cembed-bitcode=yes");
    step::quietly(&mut build)?;

    // Aside first, then one rename: an interrupted run must not leave half a library that looks whole.
    let staged = project::tools_dir().join("wasm-sysroot.new");
    let _ = fs::remove_dir_all(&staged);
    fs::create_dir_all(library(&staged))?;
    let mut copied = 0;
    for entry in fs::read_dir(work.join("target").join(TARGET).join("release/deps"))?.flatten() {
        let path = entry.path();
        let own = entry.file_name().to_string_lossy().starts_with("libstd_build-");
        if !own && path.extension().is_some_and(|extension| extension == "rlib") {
            fs::copy(&path, library(&staged).join(entry.file_name()))?;
            copied += 1;
        }
    }
    if copied == 0 {
        bail!("cargo built no wasm library in {}", project::display(&work));
    }
    let _ = fs::remove_dir_all(sysroot);
    fs::rename(&staged, sysroot)?;
    let _ = fs::remove_dir_all(work);
    Ok(())
}
