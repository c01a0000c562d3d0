//! What a backup says of itself, beside the data: enough to notice that it is damaged or not for this release.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const FORMAT: u64 = 1;

/// The data of a backup.
pub fn dump_file(folder: &Path) -> PathBuf {
    folder.join("latchkey.sql")
}

/// What a backup says of itself.
pub fn manifest_file(folder: &Path) -> PathBuf {
    folder.join("manifest.json")
}

/// What a dump holds.
pub struct Contents {
    pub organizations: u64,
    pub keys: u64,
    pub audit: u64,
    /// Names of the migrations that made its tables.
    pub migrations: Vec<String>,
    sha256: String,
}

impl Contents {
    /// Reads the whole dump once.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(dump: &Path) -> Result<Self> {
        let mut lines = BufReader::new(File::open(dump).with_context(|| format!("cannot read {}", dump.display()))?);
        let (mut digest, mut line) = (Sha256::new(), Vec::new());
        let mut contents = Self { organizations: 0, keys: 0, audit: 0, migrations: Vec::new(), sha256: String::new() };
        while lines.read_until(b'\n', &mut line)? > 0 {
            digest.update(&line);
            let text = String::from_utf8_lossy(&line);
            match inserted_into(&text) {
                Some("organizations") => contents.organizations += 1,
                Some("keys") => contents.keys += 1,
                Some("audit") => contents.audit += 1,
                Some("d1_migrations") => contents.migrations.extend(text.split('\'').nth(1).map(ToOwned::to_owned)),
                _ => {}
            }
            line.clear();
        }
        contents.sha256 = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(contents)
    }

    /// The manifest of a backup that was taken at that time of this place.
    pub fn manifest(&self, taken_at_ms: u64, place: &str) -> Value {
        json!({
            "format": FORMAT, "taken_at_ms": taken_at_ms, "of": place, "sha256": self.sha256, "migrations": self.migrations,
            "organizations": self.organizations, "keys": self.keys, "audit_entries": self.audit,
        })
    }

    /// Whether this is what a manifest describes.
    ///
    /// # Errors
    /// What differs.
    pub fn check(&self, manifest: &Value) -> Result<()> {
        ensure!(manifest["format"] == json!(FORMAT), "the backup has format {}, this release reads {FORMAT}", manifest["format"]);
        ensure!(manifest["sha256"] == json!(self.sha256), "the backup is damaged: its SHA-256 is not that of manifest.json");
        Ok(())
    }
}

/// Which table a line of a dump inserts into. Each insertion is one line: line feeds in texts are written as `\n`.
pub fn inserted_into(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("INSERT INTO ")?.trim_start_matches('"');
    rest.split(['"', ' ', '(']).next()
}

/// Reads the manifest of a backup and the contents of its dump, and compares them.
///
/// # Errors
/// When it is no backup, or a damaged one.
pub fn open(folder: &Path) -> Result<Contents> {
    let Ok(file) = File::open(manifest_file(folder)) else { bail!("{} is no backup: it has no manifest.json", folder.display()) };
    let manifest: Value = serde_json::from_reader(BufReader::new(file)).context("manifest.json is not JSON")?;
    let contents = Contents::of(&dump_file(folder))?;
    contents.check(&manifest)?;
    Ok(contents)
}
