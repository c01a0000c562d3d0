//! `cargo xtask deploy`: everything that can be checked before, then migrations, then the upload. With `--dry-run` only the
//! checks, none of which needs an account.

mod bindings;
mod finding;
mod migrations;
mod settings;
mod upload;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::Args;

use self::finding::{Finding, Weight};
use crate::{build, project, step, tools};

#[derive(Args)]
pub struct Options {
    /// Check and upload nothing; no account is needed.
    #[arg(long)]
    dry_run: bool,
    /// Take build/ as it is.
    #[arg(long)]
    no_build: bool,
    /// Another file like wrangler.toml, beside it.
    #[arg(long, default_value = "wrangler.toml")]
    config: PathBuf,
}

/// Checks, and deploys unless it is a dry run or something is wrong.
///
/// # Errors
/// How many things are wrong; each is told with what to do.
pub fn run(options: &Options) -> Result<()> {
    if options.no_build {
        tools::npm::ensure()?;
    } else {
        build::run()?;
    }
    let config = project::root().join(&options.config);
    println!("\nChecking {} and build/:", project::display(&config));
    let findings = check(&config)?;
    findings.iter().for_each(Finding::print);
    let wrong = findings.iter().filter(|finding| finding.weight == Weight::Wrong).count();
    if wrong > 0 {
        bail!("{wrong} of these must be settled before a deployment");
    }
    if options.dry_run {
        println!("\nNothing was uploaded. What needs an account is not checked: that the ids are there, that secrets are set.");
        return Ok(());
    }
    deploy(&config)
}

fn check(config: &Path) -> Result<Vec<Finding>> {
    let text = fs::read_to_string(config).with_context(|| format!("cannot read {}", config.display()))?;
    let table: toml::Table = text.parse().with_context(|| format!("{} is not TOML", project::display(config)))?;
    let mut findings = bindings::check(&table);
    findings.extend(migrations::check(&project::root().join("migrations"))?);
    findings.extend(settings::check(&table, &settings::operator_digest())?);
    findings.extend(upload::check(config)?);
    Ok(findings)
}

fn deploy(config: &Path) -> Result<()> {
    let wrangler = |arguments: &[&str]| {
        let mut wrangler = tools::wrangler::command();
        wrangler.args(arguments).arg("--config").arg(config);
        wrangler
    };
    if step::answer(wrangler(&["whoami"]).env_remove("CI")).is_none_or(|said| said.contains("not authenticated")) {
        bail!("wrangler is not signed in: run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN");
    }
    println!("\nMigrations first: they only add, so what runs now goes on. Then the upload.");
    step::aloud(&mut wrangler(&["d1", "migrations", "apply", "latchkey", "--remote"]))?;
    step::aloud(&mut wrangler(&["deploy"]))?;
    match step::answer(&mut wrangler(&["secret", "list"])) {
        Some(names) if names.contains(settings::OPERATOR) => {}
        Some(_) => println!("\n{} is not set yet: {}", settings::OPERATOR, settings::HOW_TO_SET),
        None => println!("\nWhether {} is set could not be told; /readyz says it.", settings::OPERATOR),
    }
    println!("\nNow look at it: cargo xtask doctor --url https://… --token-file FILE");
    Ok(())
}
