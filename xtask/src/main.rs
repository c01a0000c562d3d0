//! `cargo xtask <verb>`: everything a developer or CI does with this repository.
//!
//! One module per verb. `tools` finds or installs what the verbs need; `project` knows where things are.

mod bench;
mod build;
mod check;
mod clean;
mod deploy;
mod dev;
mod doctor;
mod fleet;
mod keep;
mod project;
mod step;
mod test;
mod tools;

use std::{env, process::ExitCode};

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Build, run and test Latchkey.")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Compile the worker into build/ (wasm, glue, one JavaScript module).
    Build,
    /// Serve the API locally, with an operator token and a demo key, until Ctrl-C.
    Dev(dev::Options),
    /// Build the worker and run every test; arguments go to `cargo test`.
    Test {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Measure what the project promises on the real runtime, and print it with its bars.
    Bench(bench::Options),
    /// Check format, lints, licenses and sources.
    Check,
    /// Remove the local state; tools and the operator token stay.
    CleanState(clean::Options),
    /// Check all that can be checked, then migrate and deploy; with --dry-run only check.
    Deploy(deploy::Options),
    /// Look at a running deployment.
    Doctor(doctor::Options),
    /// Write what D1 holds into a folder.
    Backup(keep::BackupOptions),
    /// Make D1 what a backup says; KV and guards follow.
    Restore(keep::RestoreOptions),
    /// Run several edges over one shared state in one process, for tests and measurements.
    Fleet(fleet::Options),
}

fn main() -> ExitCode {
    let result = match Cli::parse().verb {
        Verb::Build => build::run(),
        Verb::Dev(options) => dev::run(&options),
        // As typed: clap would swallow a leading `--`, which `cargo test` needs.
        Verb::Test { .. } => test::run(&env::args().skip(2).collect::<Vec<_>>()),
        Verb::Bench(options) => bench::run(&options),
        Verb::Check => check::run(),
        Verb::CleanState(options) => clean::run(&options),
        Verb::Deploy(options) => deploy::run(&options),
        Verb::Doctor(options) => doctor::run(&options),
        Verb::Backup(options) => keep::backup(&options),
        Verb::Restore(options) => keep::restore(&options),
        Verb::Fleet(options) => fleet::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
