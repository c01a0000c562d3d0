//! `cargo xtask backup`: D1 at one instant, as SQL.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, ensure};

use super::{
    manifest::{Contents, dump_file, manifest_file},
    place::{DATABASE, Place},
};
use crate::{project, step, tools};

/// Makes the folder `out` with the data and a manifest; the manifest comes last, so that half a backup has none.
pub fn run(place: &Place, out: &Path) -> Result<()> {
    ensure!(!out.exists(), "{} is there already; a backup gets a folder of its own", out.display());
    fs::DirBuilder::new().recursive(true).mode(0o700).create(out).with_context(|| format!("cannot create {}", out.display()))?;
    write(place, &std::path::absolute(out)?).inspect_err(|_| {
        let _ = fs::remove_dir_all(out);
    })
}

fn write(place: &Place, out: &Path) -> Result<()> {
    let dump = dump_file(out);
    // Wrangler writes into what is there: nobody else may read who has which keys.
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&dump)?;
    let taken_at_ms = now_ms();
    step::timed("export", || export(place, out, &dump).map(|()| ((), place.name())))?;
    let contents = Contents::of(&dump)?;
    ensure!(!contents.migrations.is_empty(), "{} has no tables of Latchkey", place.name());
    project::write_private(&manifest_file(out), &format!("{:#}\n", contents.manifest(taken_at_ms, &place.name())))?;
    let Contents { organizations, keys, audit, .. } = contents;
    println!("{organizations} organizations, {keys} keys and {audit} audit entries are in {}.", project::from_here(out));
    println!("It has no secrets, but whoever holds it knows your customers' names, keys' digests and audit logs.");
    Ok(())
}

fn export(place: &Place, out: &Path, dump: &Path) -> Result<()> {
    let Place::Local(state) = place else {
        // The platform serves nothing else of this database while it exports it, so this is one instant, too.
        let mut wrangler = tools::wrangler::command();
        return step::quietly(wrangler.args(["d1", "export", DATABASE, "--remote", "--skip-confirmation", "--output"]).arg(dump));
    };
    let databases = Place::databases(state);
    ensure!(databases.is_dir(), "there is no local data in {}", project::from_here(state));
    // Wrangler exports table by table, and only from a folder beside its settings: it gets a still copy in one of its own.
    let scratch = out.join("scratch");
    fs::create_dir(&scratch)?;
    fs::write(scratch.join("wrangler.toml"), settings()?)?;
    let mut node = tools::npm::command("node");
    node.args(["--no-warnings", "xtask/runtime/snapshot.mjs"]).current_dir(project::root());
    step::quietly(node.arg(databases).arg(Place::databases(&scratch.join(".wrangler/state"))))?;
    let mut wrangler = tools::wrangler::command();
    wrangler.args(["d1", "export", DATABASE, "--local", "--output"]).arg(dump).arg("--config").arg(scratch.join("wrangler.toml"));
    step::quietly(&mut wrangler)?;
    Ok(fs::remove_dir_all(&scratch)?)
}

/// As much of wrangler.toml as an export needs: which database it is.
fn settings() -> Result<String> {
    let whole: toml::Table = fs::read_to_string(project::root().join("wrangler.toml"))?.parse()?;
    let needed = ["name", "compatibility_date", "d1_databases"];
    let part: toml::Table = whole.into_iter().filter(|(name, _)| needed.contains(&name.as_str())).collect();
    Ok(part.to_string())
}

pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
