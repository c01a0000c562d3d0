//! Rows of keys and their secrets.

use serde::Deserialize;
use worker::{D1Database, D1PreparedStatement};

use super::{D1Ledger, audit, bind, outage, outbox};
use crate::{
    audit::entry::AuditEntry,
    base::{
        id::{KeyId, OrgId},
        time::Timestamp,
    },
    key::record::{KeyRecord, Kind, RevocationNote, SecretRecord},
    ports::{Outage, Written},
    token::digest::Digest,
};

/// What a key's row and those of its secrets give. Secrets come as one JSON array, newest first.
pub(super) const SELECT: &str = "SELECT k.*, (SELECT json_group_array(json_object( \
     'id', s.id, 'sha256', s.sha256, 'prefix', s.prefix, 'created_at', s.created_at, 'expires_at', s.expires_at, 'last_used_at', s.last_used_at) \
     ORDER BY s.created_at DESC, s.id DESC) FROM secrets s WHERE s.key_id = k.id) AS secrets FROM keys k";

#[derive(Deserialize)]
pub(super) struct KeyRow {
    id: String,
    org_id: String,
    name: String,
    prefix: String,
    kind: String,
    permissions: String,
    can_impersonate: u8,
    rate_limit: Option<String>,
    ip_allowlist: String,
    expires_at: Option<i64>,
    metadata: String,
    consistency: String,
    version: u64,
    created_at: i64,
    created_by: String,
    updated_at: i64,
    revocation: Option<String>,
    last_used_at: Option<i64>,
    secrets: String,
}

#[derive(Deserialize)]
struct SecretRow {
    id: String,
    sha256: String,
    prefix: String,
    created_at: i64,
    expires_at: Option<i64>,
    last_used_at: Option<i64>,
}

#[derive(Deserialize)]
struct Changed {
    #[expect(dead_code, reason = "that the row came back is the news")]
    id: String,
}

impl KeyRow {
    pub(super) fn into_record(self) -> Result<KeyRecord, Outage> {
        let secrets: Vec<SecretRow> = serde_json::from_str(&self.secrets).map_err(outage)?;
        Ok(KeyRecord {
            id: KeyId::parse(&self.id).map_err(outage)?,
            org_id: OrgId::parse(&self.org_id).map_err(outage)?,
            name: self.name,
            prefix: self.prefix,
            kind: Kind::parse(&self.kind).ok_or_else(|| outage("a key of an unknown kind"))?,
            permissions: serde_json::from_str(&self.permissions).map_err(outage)?,
            can_impersonate: self.can_impersonate != 0,
            rate_limit: self.rate_limit.as_deref().map(serde_json::from_str).transpose().map_err(outage)?,
            ip_allowlist: serde_json::from_str(&self.ip_allowlist).map_err(outage)?,
            expires_at: self.expires_at.map(Timestamp::from_ms),
            metadata: serde_json::from_str(&self.metadata).map_err(outage)?,
            consistency: serde_json::from_str(&self.consistency).map_err(outage)?,
            version: self.version,
            created_at: Timestamp::from_ms(self.created_at),
            created_by: serde_json::from_str(&self.created_by).map_err(outage)?,
            updated_at: Timestamp::from_ms(self.updated_at),
            revocation: self.revocation.as_deref().map(serde_json::from_str).transpose().map_err(outage)?,
            last_used_at: self.last_used_at.map(Timestamp::from_ms),
            secrets: secrets.into_iter().map(SecretRow::into_record).collect::<Result<_, _>>()?,
        })
    }
}

impl SecretRow {
    fn into_record(self) -> Result<SecretRecord, Outage> {
        Ok(SecretRecord {
            id: crate::base::id::SecretId::parse(&self.id).map_err(outage)?,
            digest: Digest::from_hex(&self.sha256).map_err(outage)?,
            prefix: self.prefix,
            created_at: Timestamp::from_ms(self.created_at),
            expires_at: self.expires_at.map(Timestamp::from_ms),
            last_used_at: self.last_used_at.map(Timestamp::from_ms),
        })
    }
}

impl D1Ledger {
    pub(super) async fn key_where(&self, condition: &str, value: &str) -> Result<Option<KeyRecord>, Outage> {
        let statement = self.database()?.prepare(format!("{SELECT} WHERE {condition}"));
        let rows: Vec<KeyRow> = self.rows(statement.bind(&[bind::text(value)]).map_err(outage)?).await?;
        rows.into_iter().next().map(KeyRow::into_record).transpose()
    }

    pub(super) async fn insert_key(&self, key: &KeyRecord, entry: &AuditEntry) -> Result<(), Outage> {
        let database = self.database()?;
        let mut statements = vec![insert_row(&database, key, entry)?];
        for secret in &key.secrets {
            statements.push(insert_secret(&database, key, secret)?);
        }
        statements.push(audit::insert(&database, entry, "true")?);
        statements.push(outbox::insert(&database, key.id.as_str(), key.version, entry.at, entry.id.as_str(), "true")?);
        self.batch(&database, statements).await.map(drop)
    }

    /// The update names the version that it was made on; the other statements are made only if the update was, which
    /// they see by its audit entry's id in the row.
    pub(super) async fn replace_key(&self, key: &KeyRecord, read_version: u64, entry: &AuditEntry) -> Result<Written, Outage> {
        let database = self.database()?;
        let update = database
            .prepare(
                "UPDATE keys SET name = ?3, permissions = ?4, can_impersonate = ?5, rate_limit = ?6, ip_allowlist = ?7, expires_at = ?8, \
                 metadata = ?9, consistency = ?10, version = ?11, updated_at = ?12, revoked_at = ?13, revocation = ?14, last_change = ?15 \
                 WHERE id = ?1 AND version = ?2 RETURNING id",
            )
            .bind(&[
                bind::text(key.id.as_str()),
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
                bind::maybe_time(key.revocation.as_ref().map(|note: &RevocationNote| note.at)),
                bind::maybe_json(key.revocation.as_ref())?,
                bind::text(entry.id.as_str()),
            ])
            .map_err(outage)?;
        let audit = audit::insert(&database, entry, "EXISTS (SELECT 1 FROM keys WHERE last_change = ?1 AND id = ?9)")?;
        let outbox = outbox::insert(
            &database,
            key.id.as_str(),
            key.version,
            entry.at,
            entry.id.as_str(),
            "EXISTS (SELECT 1 FROM keys WHERE id = ?1 AND last_change = ?4)",
        )?;
        let results = self.batch(&database, vec![update, audit, outbox]).await?;
        let changed: Vec<Changed> = results.first().map_or(Ok(Vec::new()), worker::D1Result::results).map_err(outage)?;
        Ok(if changed.is_empty() { Written::LostRace } else { Written::Done })
    }
}

fn insert_row(database: &D1Database, key: &KeyRecord, entry: &AuditEntry) -> Result<D1PreparedStatement, Outage> {
    database
        .prepare(
            "INSERT INTO keys (id, org_id, name, prefix, kind, permissions, can_impersonate, rate_limit, ip_allowlist, expires_at, metadata, \
             consistency, version, created_at, created_by, updated_at, last_change) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        )
        .bind(&[
            bind::text(key.id.as_str()),
            bind::text(key.org_id.as_str()),
            bind::text(&key.name),
            bind::text(&key.prefix),
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
            bind::text(entry.id.as_str()),
        ])
        .map_err(outage)
}

fn insert_secret(database: &D1Database, key: &KeyRecord, secret: &SecretRecord) -> Result<D1PreparedStatement, Outage> {
    database
        .prepare("INSERT INTO secrets (id, key_id, sha256, prefix, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
        .bind(&[
            bind::text(secret.id.as_str()),
            bind::text(key.id.as_str()),
            bind::text(&secret.digest.hex()),
            bind::text(&secret.prefix),
            bind::time(secret.created_at),
            bind::maybe_time(secret.expires_at),
        ])
        .map_err(outage)
}
