//! `cargo xtask doctor`: looks at a running deployment from outside. The work is done by `xtask/runtime/doctor.mjs`, because
//! Node brings TLS and the machine's certificates.

use std::{
    env, fs,
    io::{Read, Write},
    path::PathBuf,
    process::Stdio,
};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::{project, tools};

/// Where a token may stand instead of in a file.
const VARIABLE: &str = "LATCHKEY_TOKEN";

#[derive(Args)]
pub struct Options {
    /// Where it is, such as `https://keys.example.com`.
    #[arg(long)]
    url: String,
    /// A file with the operator token, `-` for the standard input; else the environment's `LATCHKEY_TOKEN`. Without a token
    /// only what anybody may see is looked at.
    #[arg(long)]
    token_file: Option<PathBuf>,
}

/// Looks, tells, and fails when something is wrong.
///
/// # Errors
/// When the address cannot be one, the token not be read, or something is wrong with the deployment.
pub fn run(options: &Options) -> Result<()> {
    let url = origin(&options.url)?;
    let token = token(options)?;
    tools::npm::ensure()?;
    let mut node = tools::npm::command("node");
    // By its input: arguments and environments can be read by others on the machine.
    node.args(["--no-warnings", "xtask/runtime/doctor.mjs", &url]).current_dir(project::root()).env_remove(VARIABLE).stdin(Stdio::piped());
    let mut doctor = node.spawn().context("Node does not start")?;
    if let Some(mut input) = doctor.stdin.take() {
        input.write_all(token.unwrap_or_default().as_bytes())?;
    }
    ensure!(doctor.wait()?.success(), "something is wrong with {url}");
    Ok(())
}

/// Scheme and host: a token goes only to where it is safe on its way, and is never part of the address.
fn origin(text: &str) -> Result<String> {
    let url = text.trim_end_matches('/');
    let (scheme, authority) = url.split_once("://").unwrap_or(("", url));
    let is_bare = !authority.is_empty() && !authority.contains(['/', '?', '#', '@', ' ']);
    ensure!(is_bare, "--url takes scheme and host, such as https://keys.example.com, and no credentials");
    let name = authority.rsplit_once(':').map_or(authority, |(name, _)| name);
    match (scheme, name) {
        ("https", _) | ("http", "127.0.0.1" | "localhost" | "[::1]") => Ok(url.to_owned()),
        _ => bail!("--url must be https, except for this machine"),
    }
}

fn token(options: &Options) -> Result<Option<String>> {
    let text = match &options.token_file {
        Some(path) if path.as_os_str() == "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            text
        }
        Some(path) => fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?,
        None => match env::var(VARIABLE) {
            Ok(text) => text,
            Err(_) => return Ok(None),
        },
    };
    let token = text.trim();
    let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    ensure!(is_token, "what should be the token is empty, or has spaces in it");
    Ok(Some(token.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn only_origins_by_https_or_on_this_machine_are_taken() {
        for good in
            ["https://keys.example.com", "https://keys.example.com:8443/", "http://127.0.0.1:8787", "http://localhost", "http://[::1]:1"]
        {
            assert_eq!(origin(good).unwrap(), good.trim_end_matches('/'));
        }
        for bad in [
            "",
            "keys.example.com",
            "http://keys.example.com",
            "https://me:secret@keys.example.com",
            "https://keys.example.com/v1",
            "https://a?token=b",
            "http://127.0.0.1.example.com",
        ] {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }
}
