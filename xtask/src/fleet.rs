//! `cargo xtask fleet`: several edges of the built worker over one shared state. The work is done by
//! `xtask/runtime/fleet.mjs`, which tests start directly; this verb is for people.

use std::{path::PathBuf, process::Stdio};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::{build, project, tools};

#[derive(Args)]
pub struct Options {
    /// How many edges, each in an isolate of its own.
    #[arg(long, default_value_t = 4)]
    edges: u16,
    /// The first edge's port, the others follow; 0 takes free ones.
    #[arg(long, default_value_t = 8801)]
    base_port: u16,
    /// Keep the state in this folder instead of a temporary one.
    #[arg(long)]
    state: Option<PathBuf>,
    /// Answer `/__faults`, which makes bindings fail, hang or wait.
    #[arg(long)]
    faults: bool,
    /// A variable of the worker, `NAME=VALUE`; repeatable.
    #[arg(long = "var")]
    vars: Vec<String>,
    /// Another limit than `wrangler.toml`'s for a rate-limiting binding, `NAME=LIMIT`; repeatable.
    #[arg(long = "rate-limit")]
    rate_limits: Vec<String>,
}

/// Builds, then serves until interrupted.
///
/// # Errors
/// Those of the build and of the runtime.
pub fn run(options: &Options) -> Result<()> {
    build::run()?;
    let mut node = tools::npm::command("node");
    node.current_dir(project::root()).arg("xtask/runtime/fleet.mjs").args([
        "--edges",
        &options.edges.to_string(),
        "--base-port",
        &options.base_port.to_string(),
    ]);
    if let Some(state) = &options.state {
        node.arg("--state").arg(std::path::absolute(state)?);
    }
    if options.faults {
        node.arg("--faults");
    }
    for var in &options.vars {
        node.args(["--var", var]);
    }
    for limit in &options.rate_limits {
        node.args(["--rate-limit", limit]);
    }
    // Whatever ends this process, however suddenly, closes the pipe, and the fleet ends with it.
    let mut fleet = node.arg("--exit-with-stdin").stdin(Stdio::piped()).spawn().context("Node does not start")?;
    let _pipe = fleet.stdin.take();
    let status = fleet.wait()?;
    ensure!(status.success(), "the fleet ended with {status}");
    Ok(())
}
