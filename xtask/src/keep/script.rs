//! What a restore does in D1, as one file of SQL: all of it happens, or nothing.
//!
//! KV and guards may be empty, or know more than the backup does. That is settled here, by three rules:
//!
//! - **Every version jumps beyond all that was ever given out**, to the time of the restore. Guards and edges never go back
//!   to a lower version: a guard that kept its state would hold on to what was changed after the backup, and take no later
//!   change for new, until its version was passed.
//! - **Guards are told** by the outbox, which the cron works off: of each subject that is not as it was, and of keys that
//!   are not there any more, as deletions.
//! - **What was ended stays so**: revocations and deletions of after the backup, unless they are to be undone, as far as the
//!   database that is replaced still tells. Its audit entries stay in any case: the log never goes back.

use std::io::{BufRead, Write};

use anyhow::Result;

use super::manifest::inserted_into;

/// What is to be restored over what.
pub struct Restore {
    /// The tables that are there, those that refer to others first.
    pub tables: Vec<String>,
    /// The migrations that the backup has not seen: name and text.
    pub missing: Vec<(String, String)>,
    pub now_ms: u64,
    /// Whether keys that were revoked or deleted since are to be as they were.
    pub undo_endings: bool,
    pub tell_guards: bool,
}

/// What the database that is replaced still tells.
const REMEMBER: &str = "
CREATE TABLE restore_floor AS
  SELECT max({now}, 1 + coalesce((SELECT max(version) FROM keys), 0), 1 + coalesce((SELECT max(version) FROM organizations), 0)) AS version;
CREATE TABLE restore_keys AS
  SELECT id, version, last_change, revoked_at, revocation, updated_at,
    (SELECT json_group_array(sha256) FROM secrets WHERE key_id = keys.id) AS digests FROM keys;
CREATE TABLE restore_orgs AS SELECT id, version, last_change FROM organizations;
CREATE TABLE restore_audit AS SELECT * FROM audit;
CREATE TABLE restore_outbox AS SELECT subject, digests FROM outbox;
";

/// The census is counted anew: as a dump has it, the hour of a key that never expires is no whole number any more.
const COUNT: &str = "
DELETE FROM key_census;
INSERT INTO key_census (kind, revoked, expires_hour, count)
  SELECT kind, revoked_at IS NOT NULL, coalesce((expires_at + 3599999) / 3600000, 9223372036854775807), count(*)
  FROM keys GROUP BY 1, 2, 3;
";

/// What had not come into force has not yet, neither of the backup nor of what it replaces.
const OUTBOX: &str = "
INSERT INTO outbox (subject, version, created_at, digests) SELECT subject, 0, {now}, digests FROM restore_outbox;
INSERT INTO outbox (subject, version, created_at) SELECT id, 0, {now} FROM keys AS new
  WHERE NOT EXISTS (SELECT 1 FROM restore_keys AS old
    WHERE old.id = new.id AND old.version = new.version AND old.last_change = new.last_change);
INSERT INTO outbox (subject, version, created_at) SELECT id, 0, {now} FROM organizations AS new
  WHERE NOT EXISTS (SELECT 1 FROM restore_orgs AS old
    WHERE old.id = new.id AND old.version = new.version AND old.last_change IS new.last_change);
INSERT INTO outbox (subject, version, created_at, digests) SELECT id, 0, {now}, digests FROM restore_keys
  WHERE id NOT IN (SELECT id FROM keys);
";

const ENDINGS: &str = "
UPDATE keys SET (revoked_at, revocation, updated_at, last_change) =
    (SELECT revoked_at, revocation, updated_at, last_change FROM restore_keys AS old WHERE old.id = keys.id)
  WHERE revoked_at IS NULL AND id IN (SELECT id FROM restore_keys WHERE revoked_at IS NOT NULL);
INSERT INTO outbox (subject, version, created_at, digests)
  SELECT id, 0, {now}, (SELECT json_group_array(sha256) FROM secrets WHERE key_id = keys.id) FROM keys
  WHERE id IN (SELECT target_id FROM audit WHERE action = 'key.deleted');
DELETE FROM secrets WHERE key_id IN (SELECT target_id FROM audit WHERE action = 'key.deleted');
DELETE FROM keys WHERE id IN (SELECT target_id FROM audit WHERE action = 'key.deleted');
";

/// Of several rows for one subject the highest is gone by: that of a deletion, which names what has to leave KV.
/// Sessions of the portal end: which of them were ended since, nobody knows.
const FINISH: &str = "
UPDATE restore_floor SET version =
  max(version, 1 + coalesce((SELECT max(version) FROM keys), 0), 1 + coalesce((SELECT max(version) FROM organizations), 0));
UPDATE keys SET version = (SELECT version FROM restore_floor);
UPDATE organizations SET version = (SELECT version FROM restore_floor);
UPDATE outbox SET version = (SELECT version FROM restore_floor) - (digests IS NULL);
UPDATE portal_sessions SET ended_at = {now}, over_at = {now}, version = version + 1 WHERE ended_at IS NULL AND over_at > {now};
DROP TABLE restore_floor;
DROP TABLE restore_keys;
DROP TABLE restore_orgs;
DROP TABLE restore_audit;
DROP TABLE restore_outbox;
";

/// Writes the file.
///
/// # Errors
/// When the dump cannot be read or the file not be written.
pub fn write(plan: &Restore, dump: impl BufRead, file: &mut impl Write) -> Result<()> {
    let mut part = |text: &str| file.write_all(text.replace("{now}", &plan.now_ms.to_string()).as_bytes());
    part("PRAGMA defer_foreign_keys=TRUE;\n")?;
    part(REMEMBER)?;
    for table in &plan.tables {
        part(&format!("DROP TABLE \"{table}\";\n"))?;
    }
    for line in dump.lines() {
        let line = line?;
        if !matches!(inserted_into(&line), Some("key_census")) {
            file.write_all(line.as_bytes())?;
            file.write_all(b"\n")?;
        }
    }
    let mut part = |text: &str| file.write_all(text.replace("{now}", &plan.now_ms.to_string()).as_bytes());
    for (name, text) in &plan.missing {
        part(&format!("\n{text}\nINSERT INTO d1_migrations (name) VALUES ('{name}');\n"))?;
    }
    part("INSERT OR IGNORE INTO audit SELECT * FROM restore_audit;\n")?;
    if !plan.undo_endings {
        part(ENDINGS)?;
    }
    part(COUNT)?;
    part(OUTBOX)?;
    if !plan.tell_guards {
        part("DELETE FROM outbox;\n")?;
    }
    part(FINISH)?;
    Ok(())
}
