//! Changing a key: what a PATCH may ask for, what it came to, and whether it takes something away.

use std::rc::Rc;

use serde_json::Value;

use super::{
    members,
    metadata::Metadata,
    record::{KeyRecord, SecretRecord},
};
use crate::{
    base::{
        document::{Fault, Faults, Field},
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

/// The members of a PATCH; `None` leaves the field as it is. `metadata` is replaced as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyEdit {
    name: Option<String>,
    permissions: Option<Vec<Permission>>,
    rate_limit: Option<Option<RateLimit>>,
    ip_allowlist: Option<Vec<AddressRange>>,
    /// Only where the policy lets expiries be edited.
    expires_at: Option<Option<Timestamp>>,
    /// Whether the key may act for a user; the policy may rule it out.
    pub can_impersonate: Option<bool>,
    metadata: Option<Metadata>,
    consistency: Option<Consistency>,
}

impl KeyEdit {
    /// Reads a PATCH's body, for a key made at `born`.
    ///
    /// # Errors
    /// Every bad field, and every value that the policy rules out.
    pub fn read(body: &Value, policy: &Policy, born: Timestamp, now: Timestamp) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::default();
        let edit = Self::read_members(body, policy, born, now, &mut faults);
        faults.conclude(edit)
    }

    fn read_members(body: &Value, policy: &Policy, born: Timestamp, now: Timestamp, faults: &mut Faults) -> Option<Self> {
        let mut members = Field::new(body, "").object(faults)?;
        let edit = Self {
            name: members.optional("name").and_then(|field| name::read(&field, faults)),
            permissions: members.optional("permissions").and_then(|field| members::permissions(&field, policy, faults)),
            rate_limit: members.optional("rate_limit").and_then(|field| members::rate_limit(&field, policy, faults)),
            ip_allowlist: members.optional("ip_allowlist").and_then(|field| members::ip_allowlist(&field, faults)),
            expires_at: members.optional("expires_at").and_then(|field| {
                if policy.expiry_editable {
                    return members::expires_at(&field, policy, born, now, faults);
                }
                faults.value(&field.pointer, "cannot be changed after creation in this organization");
                None
            }),
            can_impersonate: members.optional("can_impersonate").and_then(|field| field.boolean(faults)),
            metadata: members.optional("metadata").and_then(|field| members::metadata(&field, faults)),
            consistency: members.optional("consistency").and_then(|field| Consistency::read(&field, faults)),
        };
        members.close(faults);
        Some(edit)
    }

    /// The key's next version; the same version if nothing changes.
    #[must_use]
    pub fn apply(self, key: &KeyRecord, now: Timestamp) -> KeyRecord {
        let old = key.clone();
        let expires_at = self.expires_at.unwrap_or(old.expires_at);
        // An overlap never outlives the key.
        let shortened = |secret: SecretRecord| SecretRecord {
            expires_at: secret.expires_at.map(|end| expires_at.map_or(end, |own_end| own_end.min(end))),
            ..secret
        };
        let edited = KeyRecord {
            name: self.name.map_or(old.name, Into::into),
            permissions: self.permissions.map_or(old.permissions, Rc::new),
            rate_limit: self.rate_limit.unwrap_or(old.rate_limit),
            ip_allowlist: self.ip_allowlist.map_or(old.ip_allowlist, Into::into),
            expires_at,
            secrets: old.secrets.into_iter().map(shortened).collect(),
            can_impersonate: self.can_impersonate.unwrap_or(old.can_impersonate),
            metadata: self.metadata.unwrap_or(old.metadata),
            consistency: self.consistency.unwrap_or(old.consistency),
            ..key.clone()
        };
        if edited == *key { edited } else { edited.changed(now) }
    }
}

impl KeyRecord {
    /// This record as the next version, changed at `now`.
    #[must_use]
    pub fn changed(self, now: Timestamp) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self }
    }

    /// Whether something that was allowed by `self` is not by `next`: then a change must be in force before it is
    /// answered.
    #[must_use]
    pub fn is_narrowed_by(&self, next: &Self) -> bool {
        let permissions = self.permissions.iter().any(|held| !next.permissions.contains(held));
        let covered = |range: &AddressRange| next.ip_allowlist.iter().any(|wider| wider.covers(range));
        let addresses = !next.ip_allowlist.is_empty() && (self.ip_allowlist.is_empty() || !self.ip_allowlist.iter().all(covered));
        let rate = match (&self.rate_limit, &next.rate_limit) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(before), Some(after)) => !before.fits_in(after),
        };
        let impersonation = self.can_impersonate && !next.can_impersonate;
        let life = ends_earlier(self.expires_at, next.expires_at);
        let secrets = self.secrets.iter().any(|secret| {
            let kept = next.secrets.iter().find(|kept| kept.id == secret.id);
            kept.is_none_or(|kept| ends_earlier(secret.expires_at, kept.expires_at))
        });
        let revocation = self.revocation.is_none() && next.revocation.is_some();
        permissions || addresses || rate || impersonation || life || secrets || revocation
    }
}

/// Whether an end is moved forward, or set where there was none.
fn ends_earlier(before: Option<Timestamp>, after: Option<Timestamp>) -> bool {
    match (before, after) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(before), Some(after)) => after < before,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixtures::{self, NOW};
    use serde_json::json;

    fn key(body: Value) -> KeyRecord {
        fixtures::key_of(&fixtures::organization(json!({})), body)
    }

    fn edited(before: Value, patch: Value) -> (KeyRecord, KeyRecord) {
        let before = key(before);
        let after = KeyEdit::read(&patch, &fixtures::policy(json!({"expiry_editable": true})), NOW, NOW).unwrap().apply(&before, NOW);
        (before, after)
    }

    #[test]
    fn only_what_is_named_changes_and_nothing_is_no_version() {
        let (before, after) = edited(json!({"name": "a", "permissions": ["leads:read"]}), json!({"name": "b"}));
        assert_eq!(after, KeyRecord { name: "b".into(), version: 2, updated_at: NOW, ..before.clone() });
        let (before, after) = edited(json!({"name": "a"}), json!({"name": " a "}));
        assert_eq!(after, before);
    }

    #[test]
    fn an_expiry_that_the_policy_fixes_is_refused_at_its_place() {
        let faults = KeyEdit::read(&json!({"expires_at": null, "colour": 1}), &fixtures::policy(json!({})), NOW, NOW).unwrap_err();
        let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/expires_at", "/colour"]);
    }

    #[test]
    fn the_longest_life_counts_from_the_creation() {
        let policy = fixtures::policy(json!({"expiry_editable": true, "max_lifetime_seconds": 86400}));
        let until =
            |ms: i64| KeyEdit::read(&json!({"expires_at": NOW.plus_ms(ms).to_string()}), &policy, NOW, NOW.plus_ms(80_000_000)).is_ok();
        assert!(until(86_400_000) && !until(86_400_001));
    }

    #[test]
    fn what_takes_something_away_is_narrowing() {
        let base =
            json!({"name": "a", "permissions": ["leads:read"], "ip_allowlist": ["10.0.0.0/8"], "expires_at": "2031-01-01T00:00:00Z"});
        for (patch, narrows) in [
            (json!({"name": "b", "metadata": {"a": 1}}), false),
            (json!({"consistency": "strict"}), false),
            (json!({"permissions": ["leads:read", "leads:create"]}), false),
            (json!({"permissions": ["leads:create"]}), true),
            (json!({"ip_allowlist": []}), false),
            (json!({"ip_allowlist": ["10.0.0.0/8", "192.168.0.0/16"]}), false),
            (json!({"ip_allowlist": ["0.0.0.0/0"]}), false),
            (json!({"ip_allowlist": ["10.0.0.0/9"]}), true),
            (json!({"rate_limit": null}), false),
            (json!({"rate_limit": {"limit": 61, "window_seconds": 60}}), false),
            (json!({"rate_limit": {"limit": 59, "window_seconds": 60}}), true),
            (json!({"expires_at": null}), false),
            (json!({"expires_at": "2032-01-01T00:00:00Z"}), false),
            (json!({"expires_at": "2030-12-01T00:00:00Z"}), true),
        ] {
            let (before, after) = edited(base.clone(), patch.clone());
            assert_eq!(before.is_narrowed_by(&after), narrows, "{patch}");
        }
        let (before, after) = edited(json!({"name": "a", "rate_limit": null}), json!({"rate_limit": {"limit": 9, "window_seconds": 1}}));
        assert!(before.is_narrowed_by(&after));
        let (before, after) = edited(json!({"name": "a"}), json!({"ip_allowlist": ["10.0.0.1"]}));
        assert!(before.is_narrowed_by(&after));
    }
}
