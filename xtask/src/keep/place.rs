//! Where D1 and KV are: in a folder of this machine, or on the account of wrangler.toml. Either way wrangler does it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::Where;
use crate::{project, step, tools};

pub const DATABASE: &str = "latchkey";

/// Where D1 and KV are.
pub enum Place {
    /// As `wrangler dev --persist-to` keeps them.
    Local(PathBuf),
    /// On the account that wrangler is signed in to.
    Remote,
}

impl Place {
    pub fn new(options: &Where) -> Result<Self> {
        tools::npm::ensure()?;
        Ok(match (&options.state, options.remote) {
            (_, true) => Self::Remote,
            (Some(folder), false) => Self::Local(std::path::absolute(folder)?),
            (None, false) => Self::Local(project::state_dir()),
        })
    }

    pub fn name(&self) -> String {
        match self {
            Self::Local(state) => project::from_here(state),
            Self::Remote => "the deployment".to_owned(),
        }
    }

    /// Where the local runtime keeps D1.
    pub fn databases(state: &Path) -> PathBuf {
        state.join("v3/d1/miniflare-D1DatabaseObject")
    }

    /// Makes the tables that are missing.
    pub fn migrate(&self) -> Result<()> {
        step::quietly(&mut self.wrangler(&["d1", "migrations", "apply", DATABASE]))
    }

    /// The rows of a query.
    pub fn rows(&self, sql: &str) -> Result<Vec<Value>> {
        let mut wrangler = self.wrangler(&["d1", "execute", DATABASE, "--json", "--command", sql]);
        let answer: Value = serde_json::from_str(&spoken(&mut wrangler)?).context("wrangler did not answer with JSON")?;
        Ok(answer[0]["results"].as_array().cloned().unwrap_or_default())
    }

    /// Runs the statements of a file, all or none.
    pub fn run_file(&self, file: &Path) -> Result<()> {
        step::quietly(self.wrangler(&["d1", "execute", DATABASE, "--yes"]).arg("--file").arg(file))
    }

    /// Takes every record of a key out of KV; how many there were. Other entries are copies of what is elsewhere, and renew
    /// themselves.
    pub fn clear_index(&self, scratch: &Path) -> Result<usize> {
        let mut list = self.wrangler(&["kv", "key", "list", "--binding", "KV", "--prefix", "key:"]);
        let listed: Vec<Value> = serde_json::from_str(&spoken(&mut list)?).context("wrangler did not list KV as JSON")?;
        let names: Vec<&Value> = listed.iter().map(|entry| &entry["name"]).collect();
        if !names.is_empty() {
            fs::write(scratch, serde_json::to_vec(&names)?)?;
            let mut delete = self.wrangler(&["kv", "bulk", "delete", "--binding", "KV", "--force"]);
            step::quietly(delete.arg(scratch))?;
        }
        Ok(names.len())
    }

    fn wrangler(&self, arguments: &[&str]) -> Command {
        let mut wrangler = tools::wrangler::command();
        wrangler.args(arguments);
        match self {
            Self::Local(state) => wrangler.args(["--local", "--persist-to"]).arg(state),
            Self::Remote => wrangler.arg("--remote"),
        };
        wrangler
    }
}

/// What a command prints, without what it tells people.
fn spoken(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().context("wrangler could not be started")?;
    let (said, told) = (String::from_utf8(output.stdout)?, String::from_utf8_lossy(&output.stderr).into_owned());
    if !output.status.success() {
        bail!("wrangler failed ({}):\n{said}{told}", output.status);
    }
    let start = said.find(['[', '{']);
    ensure!(start.is_some(), "wrangler answered without JSON:\n{said}{told}");
    Ok(said.split_at(start.unwrap_or(0)).1.to_owned())
}
