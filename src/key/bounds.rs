//! What a key can hand on: an organization's own key never grants more than it has, and never widens itself.
//!
//! In scope: comparing what a key would be with what its maker is. Out of scope: what the policy allows anybody.

use super::record::KeyRecord;
use crate::{
    base::{
        document::{Fault, Faults},
        time::Timestamp,
    },
    limit::rate::RateLimit,
    network::cidr::AddressRange,
    policy::scope::Permission,
};

/// What a key has: these permissions, and its own impersonation, addresses, rate and life.
#[derive(Clone, Copy, Debug)]
pub struct Bounds<'a> {
    /// The key.
    pub key: &'a KeyRecord,
    /// The permissions of it that count.
    pub granted: &'a [Permission],
}

impl Bounds<'_> {
    /// What `next` could do that neither the bounds nor the key as it was allow: where it stands, and why.
    #[must_use]
    pub fn excess(&self, next: &KeyRecord, before: Option<&KeyRecord>) -> Vec<Fault> {
        let own = self.key;
        let mut faults = Faults::default();
        for (index, permission) in next.permissions.iter().enumerate() {
            if !self.granted.contains(permission) && !before.is_some_and(|before| before.permissions.contains(permission)) {
                faults.value(&format!("/permissions/{index}"), "is not a permission of the key that grants it");
            }
        }
        // Of the rest, as little may be left to chance: each is within the bounds, or no wider than it was.
        let within = |fits: &dyn Fn(&KeyRecord) -> bool| fits(own) || before.is_some_and(fits);
        if !within(&|ceiling| !next.can_impersonate || ceiling.can_impersonate) {
            faults.value("/can_impersonate", "cannot be granted by a key that may not impersonate");
        }
        if !within(&|ceiling| addresses_fit(&next.ip_allowlist, &ceiling.ip_allowlist)) {
            faults.value("/ip_allowlist", "must lie within the addresses of the key that grants it");
        }
        if !within(&|ceiling| rate_fits(next.rate_limit, ceiling.rate_limit)) {
            faults.value("/rate_limit", "must not exceed the rate of the key that grants it");
        }
        if !within(&|ceiling| life_fits(next.expires_at, ceiling.expires_at)) {
            faults.value("/expires_at", "must not be later than the end of the key that grants it");
        }
        faults.conclude(Some(())).err().unwrap_or_default()
    }
}

fn addresses_fit(next: &[AddressRange], ceiling: &[AddressRange]) -> bool {
    let covered = |range: &AddressRange| ceiling.iter().any(|wider| wider.covers(range));
    ceiling.is_empty() || (!next.is_empty() && next.iter().all(covered))
}

fn rate_fits(next: Option<RateLimit>, ceiling: Option<RateLimit>) -> bool {
    ceiling.is_none_or(|ceiling| next.is_some_and(|next| next.fits_in(&ceiling)))
}

fn life_fits(next: Option<Timestamp>, ceiling: Option<Timestamp>) -> bool {
    ceiling.is_none_or(|ceiling| next.is_some_and(|next| next <= ceiling))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixtures;
    use serde_json::{Value, json};

    fn key(changes: Value) -> KeyRecord {
        let mut body = json!({"name": "a", "permissions": ["leads:read"], "rate_limit": {"limit": 60, "window_seconds": 60},
            "ip_allowlist": ["10.0.0.0/8"], "expires_at": "2031-01-01T00:00:00Z"});
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        fixtures::key_of(&fixtures::organization(json!({"impersonation": true})), body)
    }

    fn excess(own: &KeyRecord, next: &KeyRecord, before: Option<&KeyRecord>) -> Vec<String> {
        let bounds = Bounds { key: own, granted: &own.permissions };
        bounds.excess(next, before).into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn what_a_key_has_it_can_hand_on() {
        let own = key(json!({"can_impersonate": true}));
        for narrower in [
            json!({}),
            json!({"permissions": []}),
            json!({"can_impersonate": true}),
            json!({"ip_allowlist": ["10.1.0.0/16", "10.2.3.4"]}),
            json!({"rate_limit": {"limit": 1, "window_seconds": 1}}),
            json!({"expires_at": "2030-12-31T00:00:00Z"}),
        ] {
            assert_eq!(excess(&own, &key(narrower.clone()), None), Vec::<String>::new(), "{narrower}");
        }
    }

    #[test]
    fn what_a_key_has_not_it_cannot_hand_on() {
        let own = key(json!({}));
        for (wider, pointer) in [
            (json!({"permissions": ["leads:read", "leads:update"]}), "/permissions/1"),
            (json!({"can_impersonate": true}), "/can_impersonate"),
            (json!({"ip_allowlist": []}), "/ip_allowlist"),
            (json!({"ip_allowlist": ["10.1.0.0/16", "11.0.0.1"]}), "/ip_allowlist"),
            (json!({"rate_limit": null}), "/rate_limit"),
            (json!({"rate_limit": {"limit": 61, "window_seconds": 60}}), "/rate_limit"),
            (json!({"expires_at": null}), "/expires_at"),
            (json!({"expires_at": "2031-01-01T00:00:00.001Z"}), "/expires_at"),
        ] {
            assert_eq!(excess(&own, &key(wider.clone()), None), [pointer], "{wider}");
            assert_eq!(excess(&own, &key(wider.clone()), Some(&own)), [pointer], "nor widen itself: {wider}");
        }
    }

    #[test]
    fn a_wider_key_may_be_narrowed_but_not_widened_further() {
        let own = key(json!({}));
        let wider = key(json!({"permissions": ["leads:read", "leads:update"], "ip_allowlist": [], "rate_limit": null, "expires_at": null}));
        assert_eq!(excess(&own, &wider, Some(&wider)), Vec::<String>::new(), "renaming it is no grant");
        let narrowed = key(json!({"permissions": ["leads:update"], "rate_limit": {"limit": 900, "window_seconds": 60}}));
        assert_eq!(excess(&own, &narrowed, Some(&wider)), Vec::<String>::new());
        let widened = KeyRecord { permissions: vec![Permission::of("leads", "delete")], ..wider.clone() };
        assert_eq!(excess(&own, &widened, Some(&wider)), ["/permissions/0"]);
        assert_eq!(excess(&own, &wider, None).len(), 4, "its secret or its return would be a grant of all of it");
    }

    #[test]
    fn a_permission_that_left_the_catalog_is_no_longer_handed_on() {
        let own = key(json!({}));
        assert_eq!(Bounds { key: &own, granted: &[] }.excess(&own, None).len(), 1);
    }
}
