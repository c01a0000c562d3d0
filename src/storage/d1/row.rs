//! Rows of keys and their secrets, as statements give them.

use serde::Deserialize;

use super::outage;
use crate::{
    base::{
        id::{KeyId, OrgId, SecretId},
        json,
        time::Timestamp,
    },
    key::record::{KeyRecord, Kind, SecretRecord},
    ports::Outage,
    token::digest::Digest,
    usage::recent::Used,
};

/// What a key's row and those of its secrets give. Secrets come as one JSON array, newest first.
macro_rules! columns {
    () => {
        "k.*, (SELECT json_group_array(json_object( \
         'id', s.id, 'sha256', s.sha256, 'prefix', s.prefix, 'created_at', s.created_at, 'expires_at', s.expires_at, \
         'last_used_at', s.last_used_at, 'imported', s.imported) \
         ORDER BY s.created_at DESC, s.id DESC) FROM secrets s WHERE s.key_id = k.id) AS secrets"
    };
}

/// Keys.
pub(super) const SELECT: &str = concat!("SELECT ", columns!(), " FROM keys k");

/// Keys with what is known of their use.
pub(super) const SELECT_USED: &str = concat!(
    "SELECT ",
    columns!(),
    ", (SELECT u.recent FROM key_usage u WHERE u.org_id = k.org_id AND u.key_id = k.id) AS recent FROM keys k"
);

/// The same, of the keys that `busiest (key_id, recent, bound)` names.
pub(super) const SELECT_BUSIEST: &str =
    concat!("SELECT ", columns!(), ", busiest.recent, busiest.bound FROM busiest JOIN keys k ON k.id = busiest.key_id");

#[derive(Deserialize)]
pub(super) struct KeyRow {
    id: String,
    org_id: String,
    name: String,
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
    last_used_at: i64,
    secrets: String,
    /// Where it was asked for.
    #[serde(default)]
    recent: Option<String>,
    #[serde(default)]
    bound: u64,
}

#[derive(Deserialize)]
struct SecretRow {
    id: String,
    sha256: String,
    prefix: String,
    created_at: i64,
    expires_at: Option<i64>,
    last_used_at: Option<i64>,
    imported: u8,
}

impl KeyRow {
    pub(super) fn into_used(self) -> Result<Used, Outage> {
        let recent = self.recent.as_deref().map(json::read).transpose().map_err(outage)?;
        Ok(Used { key: self.into_record()?, recent })
    }

    /// The bound that it was ordered by.
    pub(super) fn into_busy(self) -> Result<(Used, u64), Outage> {
        let bound = self.bound;
        Ok((self.into_used()?, bound))
    }

    pub(super) fn into_record(self) -> Result<KeyRecord, Outage> {
        let secrets: Vec<SecretRow> = json::read(&self.secrets).map_err(outage)?;
        Ok(KeyRecord {
            id: KeyId::parse(&self.id).map_err(outage)?,
            org_id: OrgId::parse(&self.org_id).map_err(outage)?,
            name: self.name.into(),
            kind: Kind::parse(&self.kind).ok_or_else(|| outage("a key of an unknown kind"))?,
            permissions: json::read(&self.permissions).map_err(outage)?,
            can_impersonate: self.can_impersonate != 0,
            rate_limit: self.rate_limit.as_deref().map(json::read).transpose().map_err(outage)?,
            ip_allowlist: json::read(&self.ip_allowlist).map_err(outage)?,
            expires_at: self.expires_at.map(Timestamp::from_ms),
            metadata: json::read(&self.metadata).map_err(outage)?,
            consistency: json::read(&self.consistency).map_err(outage)?,
            version: self.version,
            created_at: Timestamp::from_ms(self.created_at),
            created_by: json::read(&self.created_by).map_err(outage)?,
            updated_at: Timestamp::from_ms(self.updated_at),
            revocation: self.revocation.as_deref().map(json::read).transpose().map_err(outage)?,
            last_used_at: Some(self.last_used_at).filter(|ms| *ms != 0).map(Timestamp::from_ms),
            secrets: secrets.into_iter().map(SecretRow::into_record).collect::<Result<_, _>>()?,
        })
    }
}

impl SecretRow {
    fn into_record(self) -> Result<SecretRecord, Outage> {
        Ok(SecretRecord {
            id: SecretId::parse(&self.id).map_err(outage)?,
            digest: Digest::from_hex(&self.sha256).map_err(outage)?,
            prefix: self.prefix.into(),
            created_at: Timestamp::from_ms(self.created_at),
            expires_at: self.expires_at.map(Timestamp::from_ms),
            last_used_at: self.last_used_at.map(Timestamp::from_ms),
            imported: self.imported != 0,
        })
    }
}
