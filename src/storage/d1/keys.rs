//! Changes of keys and their secrets.
//!
//! The first statement of each batch names what the change was made on. The others are made only if it was, which they
//! see by the audit entry's id in the key's row, or by the row's absence.

use super::{
    D1Ledger, audit, bind, outbox,
    row::{KeyRow, SELECT, SELECT_USED},
    statement::Statement,
};
use crate::{
    audit::entry::AuditEntry,
    base::{id::SecretId, time::Timestamp},
    key::record::{KeyRecord, Kind, RevocationNote, SecretRecord},
    ports::{Added, Admission, Outage, Written},
    token::digest::Digest,
    usage::recent::Used,
};

/// The condition that a batch's change of a key was made, for the audit entry and for the outbox row.
const AUDIT_IF_MADE: &str = "EXISTS (SELECT 1 FROM keys WHERE last_change = ?1 AND id = ?9)";
const OUTBOX_IF_MADE: &str = "EXISTS (SELECT 1 FROM keys WHERE id = ?1 AND last_change = ?4)";

impl D1Ledger {
    pub(super) async fn key_where(&self, condition: &str, value: &str) -> Result<Option<KeyRecord>, Outage> {
        let statement = Statement::new(format!("{SELECT} WHERE {condition}"), [bind::text(value)]);
        let rows: Vec<KeyRow> = self.rows(statement).await?;
        rows.into_iter().next().map(KeyRow::into_record).transpose()
    }

    pub(super) async fn used_key(&self, id: &str) -> Result<Option<Used>, Outage> {
        let statement = Statement::new(format!("{SELECT_USED} WHERE k.id = ?1"), [bind::text(id)]);
        let rows: Vec<KeyRow> = self.rows(statement).await?;
        rows.into_iter().next().map(KeyRow::into_used).transpose()
    }

    pub(super) async fn stale_temporary(&self, moment: Timestamp, limit: u32) -> Result<Vec<KeyRecord>, Outage> {
        let sql = format!("{SELECT} WHERE k.kind = 'playground' AND k.expires_at < ?1 ORDER BY k.expires_at LIMIT ?2");
        let statement = Statement::new(sql, [bind::time(moment), bind::integer(limit.into())]);
        self.rows::<KeyRow>(statement).await?.into_iter().map(KeyRow::into_record).collect()
    }

    pub(super) async fn any_imported(&self, before: Option<Timestamp>) -> Result<bool, Outage> {
        let sql = "SELECT id FROM secrets WHERE imported = 1 AND (?1 IS NULL OR created_at < ?1) LIMIT 1";
        let statement = Statement::new(sql, [bind::maybe_time(before)]);
        Ok(!self.rows::<serde::de::IgnoredAny>(statement).await?.is_empty())
    }

    pub(super) async fn insert_key(&self, key: &KeyRecord, admission: Admission, entry: &AuditEntry) -> Result<Added, Outage> {
        let mut statements = vec![insert_row(key, admission, entry)?];
        statements.extend(follow_up(key, entry)?);
        let made = self.batch(statements).await?;
        if made {
            return Ok(Added::Done);
        }
        // A fresh secret is never taken: what kept a key with a cap out was the cap.
        Ok(match admission {
            Admission::Open => Added::DigestTaken,
            Admission::FewerTemporary { .. } => Added::CapReached,
        })
    }

    pub(super) async fn replace_key(&self, key: &KeyRecord, read_version: u64, entry: &AuditEntry) -> Result<Written, Outage> {
        let mut statements = vec![update_row(key, read_version, entry)?, drop_secrets(key, entry)?];
        statements.extend(follow_up(key, entry)?);
        let made = self.batch(statements).await?;
        Ok(if made { Written::Done } else { Written::LostRace })
    }

    /// The audit entry and the outbox row come first, while the row is there to be compared; the deletion itself last.
    pub(super) async fn remove_key(&self, key: &KeyRecord, entry: &AuditEntry) -> Result<Written, Outage> {
        let (id, version) = (bind::text(&key.id.text()), bind::integer(key.version));
        let claim = Statement::new(
            "UPDATE keys SET last_change = ?3 WHERE id = ?1 AND version = ?2 RETURNING id",
            [id.clone(), version, bind::text(&entry.id.text())],
        );
        let digests: Vec<Digest> = key.secrets.iter().map(|secret| secret.digest).collect();
        let audit = audit::insert(entry, AUDIT_IF_MADE)?;
        let outbox = outbox::insert(&key.id.text(), key.version + 1, entry, Some(&digests), OUTBOX_IF_MADE)?;
        let of_this_change = [id, bind::text(&entry.id.text())];
        let sql = "DELETE FROM secrets WHERE key_id = ?1 AND EXISTS (SELECT 1 FROM keys WHERE id = ?1 AND last_change = ?2)";
        let secrets = Statement::new(sql, &of_this_change);
        let usage =
            "DELETE FROM key_usage WHERE org_id = ?3 AND key_id = ?1 AND EXISTS (SELECT 1 FROM keys WHERE id = ?1 AND last_change = ?2)";
        let [this, change] = of_this_change.clone();
        let usage = Statement::new(usage, [this, change, bind::text(&key.org_id.text())]);
        let delete = Statement::new("DELETE FROM keys WHERE id = ?1 AND last_change = ?2", &of_this_change);
        let made = self.batch(vec![claim, audit, outbox, secrets, usage, delete]).await?;
        Ok(if made { Written::Done } else { Written::LostRace })
    }
}

/// What follows a key's row in its batch: its secrets, the audit entry, the outbox row.
fn follow_up(key: &KeyRecord, entry: &AuditEntry) -> Result<Vec<Statement>, Outage> {
    let secrets = key.secrets.iter().map(|secret| put_secret(key, secret, entry));
    let mut statements: Vec<_> = secrets.collect::<Result<_, _>>()?;
    statements.push(audit::insert(entry, AUDIT_IF_MADE)?);
    statements.push(outbox::insert(&key.id.text(), key.version, entry, None, OUTBOX_IF_MADE)?);
    Ok(statements)
}

fn insert_row(key: &KeyRecord, admission: Admission, entry: &AuditEntry) -> Result<Statement, Outage> {
    let digests: Vec<Digest> = key.secrets.iter().map(|secret| secret.digest).collect();
    let mut values = vec![
        bind::text(&key.id.text()),
        bind::text(&key.org_id.text()),
        bind::text(&key.name),
        bind::text(key.prefix()),
        bind::text(key.kind.as_str()),
        bind::json(&key.permissions)?,
        bind::integer(key.can_impersonate.into()),
        bind::maybe_json(key.rate_limit.as_ref())?,
        bind::json(&key.ip_allowlist)?,
        bind::maybe_time(key.expires_at),
        bind::json(&key.metadata)?,
        bind::json(&key.consistency)?,
        bind::integer(key.version),
        bind::time(key.created_at),
        bind::json(&key.created_by)?,
        bind::time(key.updated_at),
        bind::text(&entry.id.text()),
        bind::json(&digests)?,
    ];
    let mut condition = "NOT EXISTS (SELECT 1 FROM secrets WHERE sha256 IN (SELECT value FROM json_each(?18)))".to_owned();
    if let Admission::FewerTemporary { max, now } = admission {
        values.extend([bind::text(&key.created_by.id), bind::time(now), bind::integer(max.into()), bind::text(Kind::Playground.as_str())]);
        condition.push_str(
            " AND (SELECT count(*) FROM keys WHERE org_id = ?2 AND kind = ?22 AND revoked_at IS NULL AND expires_at > ?20 \
             AND json_extract(created_by, '$.id') = ?19 AND json_extract(created_by, '$.type') = json_extract(?15, '$.type')) < ?21",
        );
    }
    let insert = format!(
        "INSERT INTO keys (id, org_id, name, prefix, kind, permissions, can_impersonate, rate_limit, ip_allowlist, expires_at, metadata, \
         consistency, version, created_at, created_by, updated_at, last_change) \
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17 WHERE {condition} RETURNING id"
    );
    Ok(Statement::new(insert, values))
}

fn update_row(key: &KeyRecord, read_version: u64, entry: &AuditEntry) -> Result<Statement, Outage> {
    let sql = "UPDATE keys SET name = ?3, permissions = ?4, can_impersonate = ?5, rate_limit = ?6, ip_allowlist = ?7, expires_at = ?8, \
         metadata = ?9, consistency = ?10, version = ?11, updated_at = ?12, revoked_at = ?13, revocation = ?14, last_change = ?15, \
         prefix = ?16 WHERE id = ?1 AND version = ?2 RETURNING id";
    let values = [
        bind::text(&key.id.text()),
        bind::integer(read_version),
        bind::text(&key.name),
        bind::json(&key.permissions)?,
        bind::integer(key.can_impersonate.into()),
        bind::maybe_json(key.rate_limit.as_ref())?,
        bind::json(&key.ip_allowlist)?,
        bind::maybe_time(key.expires_at),
        bind::json(&key.metadata)?,
        bind::json(&key.consistency)?,
        bind::integer(key.version),
        bind::time(key.updated_at),
        bind::maybe_time(key.revocation.as_deref().map(|note: &RevocationNote| note.at)),
        bind::maybe_json(key.revocation.as_ref())?,
        bind::text(&entry.id.text()),
        bind::text(key.prefix()),
    ];
    Ok(Statement::new(sql, values))
}

/// Secrets that the record no longer has.
fn drop_secrets(key: &KeyRecord, entry: &AuditEntry) -> Result<Statement, Outage> {
    let kept: Vec<&SecretId> = key.secrets.iter().map(|secret| &secret.id).collect();
    let sql = "DELETE FROM secrets WHERE key_id = ?1 AND id NOT IN (SELECT value FROM json_each(?2)) \
         AND EXISTS (SELECT 1 FROM keys WHERE id = ?1 AND last_change = ?3)";
    Ok(Statement::new(sql, [bind::text(&key.id.text()), bind::json(&kept)?, bind::text(&entry.id.text())]))
}

/// Adds a secret; of one that is there, only its end can have changed.
fn put_secret(key: &KeyRecord, secret: &SecretRecord, entry: &AuditEntry) -> Result<Statement, Outage> {
    let sql = "INSERT INTO secrets (id, key_id, sha256, prefix, created_at, expires_at, imported) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 \
         WHERE EXISTS (SELECT 1 FROM keys WHERE id = ?2 AND last_change = ?8) \
         ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at";
    let values = [
        bind::text(&secret.id.text()),
        bind::text(&key.id.text()),
        bind::text(&secret.digest.hex()),
        bind::text(&secret.prefix),
        bind::time(secret.created_at),
        bind::maybe_time(secret.expires_at),
        bind::integer(secret.imported.into()),
        bind::text(&entry.id.text()),
    ];
    Ok(Statement::new(sql, values))
}
