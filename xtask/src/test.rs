//! `cargo xtask test`: the worker is built first, because the edge tests run it on the real runtime.

use std::{env, process::Command};

use anyhow::Result;

use crate::{build, project, step, tools};

/// Arguments of `cargo test` that choose what is tested.
const SELECTIONS: [&str; 11] =
    ["--lib", "--bin", "--bins", "--test", "--tests", "--doc", "--example", "--examples", "--bench", "--benches", "--all-targets"];

/// Builds and runs `cargo test --workspace` with `arguments`.
///
/// # Errors
/// When the build or a test fails.
pub fn run(arguments: &[String]) -> Result<()> {
    build::run()?;
    let chromium = if wants("browser", arguments) { Some(tools::chromium::ensure()?) } else { None };
    if tools::valgrind::COUNTS && wants("instructions", arguments) {
        tools::valgrind::ensure()?;
    }
    let proxies = if wants("proxies", arguments) { Some(tools::proxies::ensure()?) } else { None };
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["test", "--workspace", "--locked"]);
    if !arguments.iter().any(|argument| SELECTIONS.contains(&argument.as_str())) {
        // All but doc tests: there are none, and their closing line would say that no test ran.
        cargo.args(["--lib", "--bins", "--tests"]);
    }
    cargo.args(arguments).current_dir(project::root()).env("LATCHKEY_ROOT", project::root());
    if wants("memory", arguments) {
        cargo.env("LATCHKEY_HOT_PATH", build::hot_path()?);
    }
    if let Some(chromium) = chromium {
        cargo.env(tools::chromium::VARIABLE, chromium);
    }
    if let Some(proxies) = proxies {
        cargo.env(tools::proxies::VARIABLE, proxies);
    }
    step::aloud(&mut cargo)
}

/// Whether the tests of that name, which need a tool of their own, are among what `arguments` choose.
fn wants(name: &str, arguments: &[String]) -> bool {
    let all = ["--tests", "--all-targets"];
    let chosen = |argument: &String| SELECTIONS.contains(&argument.as_str());
    !arguments.iter().any(chosen) || arguments.iter().any(|argument| all.contains(&argument.as_str()) || argument == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_needed_only_for_its_own_tests() {
        let wants = |name: &str, arguments: &[&str]| wants(name, &arguments.iter().map(ToString::to_string).collect::<Vec<_>>());
        for name in ["browser", "instructions", "memory", "proxies"] {
            assert!(wants(name, &[]) && wants(name, &["--", "portal"]) && wants(name, &["--test", name]) && wants(name, &["--tests"]));
            assert!(!wants(name, &["--lib"]) && !wants(name, &["--test", "edge", "portal"]));
        }
    }
}
