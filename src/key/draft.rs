//! What a creation may ask for, held against the organization's policy.

use serde_json::Value;

use super::{
    members,
    metadata::Metadata,
    record::{KeyRecord, Kind, SecretRecord},
};
use crate::{
    base::{
        actor::Actor,
        document::{Fault, Faults, Field, Members},
        id::{KeyId, OrgId},
        time::Timestamp,
    },
    limit::rate::RateLimit,
    network::cidr::AddressRange,
    policy::{
        name,
        rules::{Consistency, Policy},
        scope::Permission,
    },
};

/// The body of a creation, defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDraft {
    /// What people will call it.
    pub name: String,
    /// What it is to be granted.
    pub permissions: Vec<Permission>,
    /// Its rate; `None` is no limit.
    pub rate_limit: Option<RateLimit>,
    /// Where it may be used from.
    pub ip_allowlist: Vec<AddressRange>,
    /// The instant at which it is no longer valid.
    pub expires_at: Option<Timestamp>,
    /// Whether it may act for a named user.
    pub can_impersonate: bool,
    /// The organization's own notes.
    pub metadata: Metadata,
    /// Whether edges may decide alone.
    pub consistency: Consistency,
}

/// What a draft becomes a key with.
pub struct Issue {
    /// The key's id.
    pub key_id: KeyId,
    /// Its first secret.
    pub secret: SecretRecord,
    /// Who makes it.
    pub created_by: Actor,
}

impl KeyDraft {
    /// Reads a creation's body.
    ///
    /// # Errors
    /// Every bad field, and every value that the policy rules out.
    pub fn read(body: &Value, policy: &Policy, now: Timestamp) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::default();
        let draft = Self::read_members(body, policy, now, &mut faults);
        faults.conclude(draft)
    }

    fn read_members(body: &Value, policy: &Policy, now: Timestamp, faults: &mut Faults) -> Option<Self> {
        let mut members = Field::new(body, "").object(faults)?;
        let draft = Self::read_from(&mut members, policy, now, faults);
        members.close(faults);
        Some(draft)
    }

    /// Reads a creation's members out of an object that may hold others.
    pub(super) fn read_from(members: &mut Members<'_>, policy: &Policy, now: Timestamp, faults: &mut Faults) -> Self {
        let name = members.required("name", faults).and_then(|field| name::read(&field, faults));
        let permissions = match members.optional("permissions") {
            Some(field) => members::permissions(&field, policy, faults),
            None => {
                members::at_least_one(&members.pointer("permissions"), policy, faults);
                None
            }
        };
        let rate_limit = match members.optional("rate_limit") {
            Some(field) => members::rate_limit(&field, policy, faults).flatten(),
            None => policy.default_rate_limit,
        };
        let ip_allowlist = members.optional("ip_allowlist").and_then(|field| members::ip_allowlist(&field, faults));
        let expires_at = match members.optional("expires_at") {
            Some(field) => members::expires_at(&field, policy, now, now, faults).flatten(),
            None => {
                members::lifetime(&members.pointer("expires_at"), None, policy, now, faults);
                None
            }
        };
        let can_impersonate = members.optional("can_impersonate").and_then(|field| field.boolean(faults));
        let metadata = members.optional("metadata").and_then(|field| members::metadata(&field, faults));
        let consistency = members.optional("consistency").and_then(|field| Consistency::read(&field, faults));
        Self {
            name: name.unwrap_or_default(),
            permissions: permissions.unwrap_or_default(),
            rate_limit,
            ip_allowlist: ip_allowlist.unwrap_or_default(),
            expires_at,
            can_impersonate: can_impersonate.unwrap_or(false),
            metadata: metadata.unwrap_or_default(),
            consistency: consistency.unwrap_or(policy.consistency.mode),
        }
    }

    /// The draft of a temporary key: the policy's name and permissions, for the policy's time.
    #[must_use]
    pub fn playground(policy: &Policy, now: Timestamp) -> Self {
        let ttl_ms = i64::try_from(policy.playground.ttl_seconds).unwrap_or(i64::MAX).saturating_mul(1000);
        Self {
            name: policy.playground.name.clone(),
            permissions: policy.playground.permissions.clone(),
            rate_limit: policy.default_rate_limit,
            ip_allowlist: Vec::new(),
            expires_at: Some(now.plus_ms(ttl_ms)),
            can_impersonate: false,
            metadata: Metadata::default(),
            consistency: policy.consistency.mode,
        }
    }

    /// The key that this draft becomes.
    #[must_use]
    pub fn into_record(self, org_id: OrgId, kind: Kind, issue: &Issue) -> KeyRecord {
        KeyRecord {
            id: issue.key_id.clone(),
            org_id,
            name: self.name.into(),
            kind,
            permissions: self.permissions.into(),
            can_impersonate: self.can_impersonate,
            rate_limit: self.rate_limit,
            ip_allowlist: self.ip_allowlist.into(),
            expires_at: self.expires_at,
            metadata: self.metadata,
            consistency: self.consistency,
            version: 1,
            created_at: issue.secret.created_at,
            created_by: issue.created_by.clone().into(),
            updated_at: issue.secret.created_at,
            revocation: None,
            last_used_at: None,
            secrets: Box::new([issue.secret.clone()]),
        }
    }
}

#[cfg(test)]
#[path = "draft_tests.rs"]
mod tests;
