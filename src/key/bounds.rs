//! What a key can hand on: an organization's own key never grants more than it has, and never widens itself, nor what has
//! more than it.
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
    /// What `next` has that the bounds have not, unless it only takes something away from the key as it was: where it
    /// stands, and why.
    ///
    /// What a key can do is permissions times addresses times time. To hold each by itself against the wider of the two
    /// keys would let one's permissions meet the other's addresses: more than either has.
    #[must_use]
    pub fn excess(&self, next: &KeyRecord, before: Option<&KeyRecord>) -> Vec<Fault> {
        if before.is_some_and(|before| !next.is_narrowed_by(before)) {
            return Vec::new();
        }
        let own = self.key;
        let mut faults = Faults::default();
        for (index, permission) in next.permissions.iter().enumerate() {
            if !self.granted.contains(permission) {
                faults.value(&format!("/permissions/{index}"), "is not a permission of the key that grants it");
            }
        }
        if next.can_impersonate && !own.can_impersonate {
            faults.value("/can_impersonate", "cannot be granted by a key that may not impersonate");
        }
        if !addresses_fit(&next.ip_allowlist, &own.ip_allowlist) {
            faults.value("/ip_allowlist", "must lie within the addresses of the key that grants it");
        }
        if !rate_fits(next.rate_limit, own.rate_limit) {
            faults.value("/rate_limit", "must not exceed the rate of the key that grants it");
        }
        if !life_fits(next.expires_at, own.expires_at) {
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
        let wider = key(json!({"permissions": ["leads:read", "leads:update"], "ip_allowlist": ["192.0.2.0/24"], "rate_limit": null}));
        let renamed = KeyRecord { name: "b".into(), ..wider.clone() };
        assert_eq!(excess(&own, &renamed, Some(&wider)), Vec::<String>::new(), "renaming it is no grant");
        let beyond = ["/permissions/1", "/ip_allowlist", "/rate_limit"];
        let narrower = KeyRecord { permissions: vec![Permission::of("leads", "update")].into(), ..wider.clone() };
        assert_eq!(excess(&own, &narrower, Some(&wider)), Vec::<String>::new());
        // Each of these lies within the own key's, and would go with what the own key has not.
        for widened in [
            KeyRecord { ip_allowlist: own.ip_allowlist.clone(), ..wider.clone() },
            KeyRecord { ip_allowlist: [wider.ip_allowlist.clone(), own.ip_allowlist.clone()].concat().into(), ..wider.clone() },
        ] {
            let named = excess(&own, &widened, Some(&wider));
            assert!(!named.is_empty() && named.iter().all(|pointer| beyond.contains(&pointer.as_str())), "{named:?}");
        }
        let longer = KeyRecord { expires_at: own.expires_at, ..wider.clone() };
        let wider = KeyRecord { expires_at: Some(fixtures::NOW), ..wider };
        assert_eq!(excess(&own, &longer, Some(&wider)), beyond, "more time is a grant of all of it, to a key that had expired too");
        assert_eq!(excess(&own, &wider, None), beyond, "as its secret or its return would be");
        assert_eq!(excess(&own, &own, Some(&wider)), Vec::<String>::new(), "what it has itself it may make of it");
    }

    #[test]
    fn a_permission_that_left_the_catalog_is_no_longer_handed_on() {
        let own = key(json!({}));
        let bounds = Bounds { key: &own, granted: &[] };
        assert_eq!((bounds.excess(&own, None).len(), bounds.excess(&own, Some(&own)).len()), (1, 0));
    }
}
