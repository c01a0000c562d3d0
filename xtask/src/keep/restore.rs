//! `cargo xtask restore`: D1 becomes what a backup says, then KV forgets its records.

use std::{
    env, fs,
    io::{BufReader, BufWriter, Write},
    process,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{
    RestoreOptions,
    backup::now_ms,
    manifest::{self, dump_file},
    place::Place,
    script::{self, Restore},
};
use crate::{dev, project, step};

/// Tables of the product, newest first, so that who refers to another goes before it.
const TABLES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '_cf_*' \
                      ORDER BY rowid DESC";
const REPORT: &str = "SELECT (SELECT count(*) FROM organizations) AS organizations, (SELECT count(*) FROM keys) AS keys, \
                      (SELECT count(*) FROM audit) AS audit, (SELECT count(DISTINCT subject) FROM outbox) AS waiting";

/// Restores, and says what is left to do.
pub fn run(place: &Place, options: &RestoreOptions) -> Result<()> {
    let contents = manifest::open(&options.from)?;
    let migrations = migrations()?;
    if let Some(unknown) = contents.migrations.iter().find(|name| !migrations.iter().any(|(have, _)| have == *name)) {
        bail!("the backup is of a newer release: this one has no migration {unknown}");
    }
    if matches!(place, Place::Remote) && !options.yes {
        bail!("this replaces the data of the deployment; say so with --yes");
    }
    let _lock = match place {
        Place::Local(state) => Some(dev::lock_state(state)?),
        Place::Remote => None,
    };
    // So that there is something to compare with, whatever was lost.
    step::timed("migrations", || place.migrate().map(|()| ((), "applied".to_owned())))?;
    let tables = place.rows(TABLES)?.iter().filter_map(|row| row["name"].as_str().map(ToOwned::to_owned)).collect();
    let missing = migrations.into_iter().filter(|(name, _)| !contents.migrations.contains(name)).collect();
    let plan = Restore { tables, missing, now_ms: now_ms(), undo_endings: options.undo_endings, tell_guards: !options.guards_are_new };

    let scratch = env::temp_dir().join(format!("latchkey-restore-{}", process::id()));
    project::write_private(&scratch, "")?;
    let restored = (|| {
        let dump = BufReader::new(fs::File::open(dump_file(&options.from))?);
        let mut file = BufWriter::new(fs::OpenOptions::new().write(true).open(&scratch)?);
        script::write(&plan, dump, &mut file)?;
        file.flush()?;
        step::timed("D1", || place.run_file(&scratch).map(|()| ((), "restored".to_owned())))?;
        step::timed("KV", || place.clear_index(&scratch).map(|count| ((), format!("{count} records taken out"))))
    })();
    let _ = fs::remove_file(&scratch);
    restored?;
    let report = place.rows(REPORT)?;
    tell(place, report.first().context("D1 does not answer")?)
}

fn tell(place: &Place, report: &Value) -> Result<()> {
    let count = |name: &str| report[name].as_u64().unwrap_or(0);
    ensure!(count("organizations") > 0, "D1 is empty after the restore");
    println!(
        "{} organizations, {} keys and {} audit entries are in {}.",
        count("organizations"),
        count("keys"),
        count("audit"),
        place.name()
    );
    println!("{} keys and organizations wait to be told to their guards: the cron trigger does 100 a minute.", count("waiting"));
    if matches!(place, Place::Remote) {
        println!("Now `cargo xtask deploy`: it ends the isolates, which may remember what was before. Then `cargo xtask doctor`.");
    }
    Ok(())
}

/// The migrations of this release, by name.
fn migrations() -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(project::root().join("migrations"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            found.push((name, fs::read_to_string(&path)?));
        }
    }
    found.sort();
    Ok(found)
}
