//! A Rust toolchain that compiles for `wasm32-unknown-unknown`.
//!
//! In order: the active toolchain if it has the target; rustup, if it may download; Debian's toolchain, whose library
//! source makes the target once; else one message that says what to install.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use super::debian;
use crate::{project, step};

pub const TARGET: &str = "wasm32-unknown-unknown";

/// The toolchain that the wasm is compiled and linted with.
pub enum Toolchain {
    /// The one that runs everything else.
    Active,
    /// Debian's, with the target's library in a folder of ours.
    Debian { sysroot: PathBuf },
}

/// Finds a toolchain for the wasm, installing what is missing.
///
/// # Errors
/// When none can be had; the message says what to install.
pub fn ensure() -> Result<Toolchain> {
    if active_has_target() {
        return Ok(Toolchain::Active);
    }
    // An earlier run has settled on Debian's: don't ask rustup again.
    if let Some(sysroot) = debian::ready() {
        return Ok(Toolchain::Debian { sysroot });
    }
    if rustup_may_install() {
        step::tell("Adding the wasm target to the Rust toolchain …");
        let added = step::quietly(Command::new("rustup").args(["target", "add", TARGET]));
        match added {
            Ok(()) if active_has_target() => return Ok(Toolchain::Active),
            Ok(()) => {}
            Err(error) => step::tell(&format!("rustup could not add it, trying other ways: {error:#}")),
        }
    }
    if debian::available() {
        let sysroot = debian::install().with_context(how_to_get_one)?;
        return Ok(Toolchain::Debian { sysroot });
    }
    bail!(how_to_get_one())
}

fn how_to_get_one() -> String {
    format!(
        "no Rust toolchain here compiles for {TARGET}. Do one of these, then run this again:\n  \
         - with rustup: `rustup target add {TARGET}`\n  \
         - on Debian, as root: `apt-get install {}`\n",
        debian::PACKAGES.join(" ")
    )
}

impl Toolchain {
    /// `cargo <verb>` for the target, in a clean environment: what `cargo run` and rustup set for the host toolchain
    /// would point Debian's at the wrong compiler and libraries.
    pub fn cargo(&self, verb: &str) -> Command {
        let mut command = match self {
            Self::Active => {
                let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
                cargo.arg(verb);
                cargo
            }
            Self::Debian { .. } => debian::cargo(verb),
        };
        command
            .args(["--target", TARGET])
            .current_dir(project::root())
            .env("CARGO_TARGET_DIR", project::wasm_target_dir())
            .env_remove("RUSTFLAGS")
            .env("CARGO_ENCODED_RUSTFLAGS", self.flags().join("\u{1f}"));
        command
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Active => "active toolchain",
            Self::Debian { .. } => "Debian's toolchain",
        }
    }

    fn flags(&self) -> Vec<String> {
        // Panic messages carry source paths; a build must not tell (or depend on) where it was made.
        let mut flags = vec![remap(&project::root(), "latchkey")];
        if let Some(home) = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(default_cargo_home) {
            flags.push(remap(&home, "cargo"));
        }
        if let Self::Debian { sysroot } = self {
            flags.extend(["--sysroot".to_owned(), sysroot.display().to_string()]);
        }
        flags
    }
}

fn remap(from: &Path, to: &str) -> String {
    format!("--remap-path-prefix={}={to}", from.display())
}

fn default_cargo_home() -> Option<PathBuf> {
    env::home_dir().map(|home| home.join(".cargo"))
}

fn active_has_target() -> bool {
    let mut query = Command::new("rustc");
    query.args(["--print", "target-libdir", "--target", TARGET]).current_dir(project::root());
    step::answer(&mut query).is_some_and(|folder| debian::has_library(Path::new(&folder)))
}

fn rustup_may_install() -> bool {
    let allowed = env::var_os("RUSTUP_AUTO_INSTALL").is_none_or(|value| value != "0");
    allowed && step::answer(Command::new("rustup").arg("--version")).is_some()
}
