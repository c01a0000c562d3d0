//! A key as the API shows it: everything but its digests.

use serde::Serialize;

use super::{
    metadata::Metadata,
    record::{KeyRecord, Kind},
    state::Status,
};
use crate::{
    base::{
        actor::Actor,
        id::{KeyId, OrgId, SecretId},
        time::Timestamp,
    },
    limit::rate::RateLimit,
    network::cidr::AddressRange,
    policy::{rules::Consistency, scope::Permission},
};

/// The key record of the contract.
#[derive(Debug, Serialize)]
pub struct KeyView<'a> {
    id: &'a KeyId,
    org_id: &'a OrgId,
    name: &'a str,
    prefix: &'a str,
    kind: Kind,
    permissions: &'a [Permission],
    can_impersonate: bool,
    rate_limit: Option<RateLimit>,
    ip_allowlist: &'a [AddressRange],
    expires_at: Option<Timestamp>,
    status: Status,
    metadata: &'a Metadata,
    consistency: Consistency,
    version: u64,
    created_at: Timestamp,
    created_by: &'a Actor,
    updated_at: Timestamp,
    revoked_at: Option<Timestamp>,
    revoked_by: Option<&'a Actor>,
    revocation_reason: Option<&'a str>,
    last_used_at: Option<Timestamp>,
    secrets: Vec<SecretView<'a>>,
    /// Since when a narrowing change holds everywhere; only in the answer to that change.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_force_at: Option<Timestamp>,
    /// Where the API shows it; the audit log tells of changes alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Box<UseView>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    insights: Option<Box<Insights<'a>>>,
}

/// What is known of a key's use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UseView {
    /// The last 24 hours, of which the one that has begun is the last.
    pub last_24h: Total,
    /// The last 7 times 24 hours.
    pub last_7d: Total,
    /// The last 30 times 24 hours.
    pub last_30d: Total,
    /// Up to when all is counted; later uses are there a minute after at most. `None` when there was none.
    pub as_of: Option<Timestamp>,
}

/// The counts of a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Total {
    /// All.
    pub requests: u64,
    /// Admitted ones.
    pub allowed: u64,
    /// Refused ones.
    pub denied: u64,
}

/// What a key could do without.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Insights<'a> {
    /// Whether nobody ever used the key.
    pub never_used: bool,
    /// What it was granted and no admitted request asked for since `observed_from`.
    pub unused_permissions: Vec<&'a str>,
    /// 30 days ago, or when the key was made if that is later.
    pub observed_from: Timestamp,
}

#[derive(Debug, Serialize)]
struct SecretView<'a> {
    id: &'a SecretId,
    prefix: &'a str,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
}

impl KeyRecord {
    /// The record as shown at `now`.
    #[must_use]
    pub fn view(&self, now: Timestamp) -> KeyView<'_> {
        let revocation = self.revocation.as_ref();
        let secrets = self.secrets.iter().map(|secret| SecretView {
            id: &secret.id,
            prefix: &secret.prefix,
            created_at: secret.created_at,
            expires_at: secret.expires_at,
            last_used_at: secret.last_used_at,
        });
        KeyView {
            id: &self.id,
            org_id: &self.org_id,
            name: &self.name,
            prefix: self.prefix(),
            kind: self.kind,
            permissions: &self.permissions,
            can_impersonate: self.can_impersonate,
            rate_limit: self.rate_limit,
            ip_allowlist: &self.ip_allowlist,
            expires_at: self.expires_at,
            status: self.status(now),
            metadata: &self.metadata,
            consistency: self.consistency,
            version: self.version,
            created_at: self.created_at,
            created_by: &self.created_by,
            updated_at: self.updated_at,
            revoked_at: revocation.map(|note| note.at),
            revoked_by: revocation.map(|note| &note.by),
            revocation_reason: revocation.and_then(|note| note.reason.as_deref()),
            last_used_at: self.last_used_at,
            secrets: secrets.collect(),
            in_force_at: None,
            usage: None,
            insights: None,
        }
    }
}

impl<'a> KeyView<'a> {
    /// The record with what is known of its use.
    #[must_use]
    pub fn with_use(self, usage: UseView, insights: Insights<'a>) -> Self {
        Self { usage: Some(Box::new(usage)), insights: Some(Box::new(insights)), ..self }
    }

    /// The answer to a narrowing change.
    #[must_use]
    pub fn in_force_at(self, moment: Timestamp) -> Self {
        Self { in_force_at: Some(moment), ..self }
    }
}

#[cfg(test)]
mod tests {
    use crate::{base::time::Timestamp, testing::fixtures};

    #[test]
    fn the_view_shows_no_digest() {
        let key = fixtures::key();
        let shown = serde_json::to_string(&key.view(Timestamp::from_ms(0))).unwrap();
        assert!(!shown.contains(&key.secrets[0].digest.hex()) && !shown.contains("digest"));
        assert!(shown.contains("\"status\":\"active\""));
    }
}
