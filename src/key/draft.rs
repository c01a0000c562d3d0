//! What a creation may ask for, held against the organization's policy.

use serde_json::{Map, Value};

use super::record::{KeyRecord, Kind, SecretRecord};
use crate::{
    base::{
        actor::Actor,
        document::{Fault, Faults, Field, Members},
        id::{KeyId, OrgId, SecretId},
        name,
        time::Timestamp,
    },
    limit::rate::RateLimit,
    network::cidr::AddressRange,
    policy::{
        rules::{Consistency, Policy},
        scope::Permission,
    },
    token::format::Key,
};

const MAX_RANGES: usize = 100;
const MAX_METADATA_BYTES: usize = 4096;

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
    pub metadata: Map<String, Value>,
    /// Whether edges may decide alone.
    pub consistency: Consistency,
}

/// The ids and the secret that a draft becomes a key with.
pub struct Issue {
    /// The key's id.
    pub key_id: KeyId,
    /// The secret's id.
    pub secret_id: SecretId,
    /// The credential.
    pub key: Key,
    /// Who makes it.
    pub created_by: Actor,
    /// When.
    pub now: Timestamp,
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
        let name = members.required("name", faults).and_then(|field| name::read(&field, faults));
        let draft = Self {
            name: name.unwrap_or_default(),
            permissions: permissions(&mut members, policy, faults),
            rate_limit: rate_limit(&mut members, policy, faults),
            ip_allowlist: members.optional("ip_allowlist").and_then(|field| read_ranges(&field, faults)).unwrap_or_default(),
            expires_at: expires_at(&mut members, policy, now, faults),
            can_impersonate: members.optional("can_impersonate").and_then(|field| field.boolean(faults)).unwrap_or(false),
            metadata: members.optional("metadata").and_then(|field| read_metadata(&field, faults)).unwrap_or_default(),
            consistency: members
                .optional("consistency")
                .and_then(|field| Consistency::read(&field, faults))
                .unwrap_or(policy.consistency.mode),
        };
        members.close(faults);
        Some(draft)
    }

    /// The key that this draft becomes.
    #[must_use]
    pub fn into_record(self, org_id: OrgId, kind: Kind, issue: &Issue) -> KeyRecord {
        let prefix = issue.key.display_prefix();
        let secret = SecretRecord {
            id: issue.secret_id.clone(),
            digest: issue.key.digest(),
            prefix: prefix.clone(),
            created_at: issue.now,
            expires_at: None,
            last_used_at: None,
        };
        KeyRecord {
            id: issue.key_id.clone(),
            org_id,
            name: self.name,
            prefix,
            kind,
            permissions: self.permissions,
            can_impersonate: self.can_impersonate,
            rate_limit: self.rate_limit,
            ip_allowlist: self.ip_allowlist,
            expires_at: self.expires_at,
            metadata: self.metadata,
            consistency: self.consistency,
            version: 1,
            created_at: issue.now,
            created_by: issue.created_by.clone(),
            updated_at: issue.now,
            revocation: None,
            last_used_at: None,
            secrets: vec![secret],
        }
    }
}

fn permissions(members: &mut Members<'_>, policy: &Policy, faults: &mut Faults) -> Vec<Permission> {
    let field = members.optional("permissions");
    let permissions = field.as_ref().map(|field| policy.resources.read_permissions(field, faults));
    let permissions = permissions.unwrap_or_else(|| Some(Vec::new()));
    if policy.require_permission && permissions.as_ref().is_some_and(Vec::is_empty) {
        faults.value("/permissions", "must hold at least one permission in this organization");
    }
    permissions.unwrap_or_default()
}

fn rate_limit(members: &mut Members<'_>, policy: &Policy, faults: &mut Faults) -> Option<RateLimit> {
    let Some(field) = members.optional("rate_limit") else { return policy.default_rate_limit };
    let rate = if field.value.is_null() { None } else { Some(RateLimit::read(&field, faults)?) };
    if let Some(max) = &policy.max_rate_limit
        && !rate.as_ref().is_some_and(|rate| rate.fits_in(max))
    {
        faults.value(
            &field.pointer,
            format!("must not admit more than {} in any {} seconds in this organization", max.limit, max.window_seconds),
        );
    }
    rate
}

fn read_ranges(field: &Field<'_>, faults: &mut Faults) -> Option<Vec<AddressRange>> {
    let items = field.list(faults)?;
    if items.len() > MAX_RANGES {
        faults.value(&field.pointer, format!("must hold at most {MAX_RANGES} addresses or networks"));
        return None;
    }
    let mut ranges = Vec::new();
    for item in items {
        match item.text(faults).map(AddressRange::parse) {
            Some(Ok(range)) if !ranges.contains(&range) => ranges.push(range),
            Some(Err(refusal)) => faults.value(&item.pointer, refusal.to_string()),
            Some(Ok(_)) | None => {}
        }
    }
    Some(ranges)
}

fn expires_at(members: &mut Members<'_>, policy: &Policy, now: Timestamp, faults: &mut Faults) -> Option<Timestamp> {
    let field = members.optional("expires_at").filter(|field| !field.value.is_null());
    let expiry = match &field {
        None => None,
        Some(field) => match Timestamp::parse(field.text(faults)?) {
            Ok(moment) => Some(moment),
            Err(refusal) => {
                faults.value(&field.pointer, refusal.to_string());
                return None;
            }
        },
    };
    if expiry.is_some_and(|moment| moment <= now) {
        faults.value("/expires_at", "must be in the future");
    }
    if let Some(max) = policy.max_lifetime_seconds {
        let latest = now.plus_ms(i64::try_from(max).unwrap_or(i64::MAX).saturating_mul(1000));
        if expiry.is_none_or(|moment| moment > latest) {
            faults.value("/expires_at", format!("must be at most {max} seconds from now in this organization"));
        }
    }
    expiry
}

fn read_metadata(field: &Field<'_>, faults: &mut Faults) -> Option<Map<String, Value>> {
    let Some(metadata) = field.value.as_object() else {
        faults.shape(&field.pointer, "must be an object");
        return None;
    };
    if field.value.to_string().len() > MAX_METADATA_BYTES {
        faults.value(&field.pointer, format!("must be at most {MAX_METADATA_BYTES} bytes of JSON"));
    }
    Some(metadata.clone())
}

#[cfg(test)]
#[path = "draft_tests.rs"]
mod tests;
