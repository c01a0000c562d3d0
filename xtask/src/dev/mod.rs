//! `cargo xtask dev`: from a fresh clone to a served API with an operator token and a demo key.
//!
//! Everything here can be interrupted and run again: each part looks at what is there before it makes something.

mod cron;
mod demo;
mod operator_token;
mod server;
mod state;

use std::{net::TcpListener, path::PathBuf};

use anyhow::{Result, bail};
use clap::Args;

pub use state::lock as lock_state;

use crate::{build, project, step};

#[derive(Args)]
pub struct Options {
    /// The port on the loopback interface.
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// Where KV, D1 and Durable Objects are kept [default: .latchkey/state].
    #[arg(long)]
    state: Option<PathBuf>,
    /// Leave the store empty: no demo organization, no demo key.
    #[arg(long)]
    no_demo: bool,
}

/// Builds, prepares and serves until Ctrl-C.
///
/// # Errors
/// When something needed is missing, taken or broken; the message says what.
pub fn run(options: &Options) -> Result<()> {
    let state = match &options.state {
        Some(path) => std::path::absolute(path)?,
        None => project::state_dir(),
    };
    let _lock = state::lock(&state)?;
    check_port(options.port)?;
    build::run()?;
    let token = operator_token::ensure()?;
    step::timed("migrations", || state::migrate(&state).map(|()| ((), "applied".to_owned())))?;

    let mut server = step::timed("wrangler", || server::Server::start(options.port, &state).map(|server| (server, "answers".to_owned())))?;
    let url = server.url();
    let demo = if options.no_demo {
        None
    } else {
        // Worth a warning only: the server is of use without it.
        demo::ensure(&url, &token, &state).inspect_err(|error| eprintln!("\nwarning: no demo organization and key: {error:#}")).ok()
    };
    println!("\nLatchkey is at {url}");
    println!("The operator token is in {}.", project::from_here(&operator_token::path()));
    if let Some(demo) = &demo {
        demo.print_commands(&url);
    }
    println!("\nStop with Ctrl-C.\n");
    println!("ready");
    let _ticks = cron::start(url);
    server.serve()
}

/// Tells about a taken port before minutes of building, and in better words than wrangler's.
fn check_port(port: u16) -> Result<()> {
    if let Err(error) = TcpListener::bind(("127.0.0.1", port)) {
        bail!("port {port} cannot be used ({error}); choose another with `--port`");
    }
    Ok(())
}
