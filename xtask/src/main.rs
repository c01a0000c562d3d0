//! `cargo xtask <verb>`: everything a developer or CI does with this repository.
//!
//! One module per verb. `tools` finds or installs what the verbs need; `project` knows where things are.

mod build;
mod fleet;
mod project;
mod step;
mod tools;

use std::process::ExitCode;

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
    /// Run several edges over one shared state in one process, for tests and measurements.
    Fleet(fleet::Options),
}

fn main() -> ExitCode {
    let result = match Cli::parse().verb {
        Verb::Build => build::run(),
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
