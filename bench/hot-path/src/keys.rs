//! Keys as customers have them: five permissions, three networks, a few notes.

use latchkey::{
    base::{
        id::{KeyId, OrgId, SecretId},
        time::Timestamp,
    },
    key::record::KeyRecord,
    policy::org::{OrgDraft, Organization},
    token::format::{Key, KeyPrefix},
};
use serde_json::json;

use crate::nobody::Dice;

/// 2030-03-17T17:46:40Z.
pub const NOW_MS: i64 = 1_900_000_000_000;

/// Makes keys of one organization, the same in each run.
pub struct Keys {
    dice: Dice,
    org: OrgId,
}

impl Default for Keys {
    fn default() -> Self {
        let dice = Dice::default();
        let org = OrgId::new(Timestamp::from_ms(NOW_MS), &dice).expect("dice do not fail");
        Self { dice, org }
    }
}

impl Keys {
    /// Their organization, whose leases last as long as they may.
    #[must_use]
    pub fn organization(&self) -> Organization {
        let actions = ["read", "create", "update", "delete"];
        let resource = |name: &str| json!({"name": name, "title": name, "description": "Records", "actions": actions});
        let policy = json!({
            "resources": [resource("leads"), resource("contacts")],
            "consistency": {"mode": "leased", "lease_ms": 30_000},
        });
        let draft = OrgDraft::read(&json!({"name": "Acme Field Services", "policy": policy})).expect("a good organization");
        draft.into_organization(self.org.clone(), Timestamp::from_ms(NOW_MS))
    }

    /// Another key and its credential. The record is read from text, as an isolate gets it.
    pub fn next(&mut self) -> (Key, KeyRecord) {
        let credential = Key::generate(&KeyPrefix::default(), &self.dice).expect("dice do not fail");
        let text = self.document(&credential, true);
        (credential, KeyRecord::from_stored(&text).expect("a stored record"))
    }

    fn document(&self, credential: &Key, full: bool) -> String {
        let now = Timestamp::from_ms(NOW_MS);
        let (key_id, secret_id) = (KeyId::new(now, &self.dice), SecretId::new(now, &self.dice));
        let (key_id, secret_id) = (key_id.expect("dice do not fail"), secret_id.expect("dice do not fail"));
        let mut key = json!({
            "id": key_id, "org_id": self.org, "name": "Zapier production", "prefix": credential.display_prefix(),
            "kind": "standard", "permissions": [], "can_impersonate": false, "rate_limit": null, "ip_allowlist": [],
            "expires_at": null, "metadata": {}, "consistency": "leased", "version": 3, "created_at": now,
            "created_by": {"type": "member", "id": "user_2fK9dQz1", "name": "Ada Lovelace"}, "updated_at": now,
            "revocation": null, "last_used_at": now,
            "secrets": [{
                "id": secret_id, "digest": credential.digest(), "prefix": credential.display_prefix(), "created_at": now,
                "expires_at": null, "last_used_at": now,
            }],
        });
        if full {
            key["permissions"] = json!(["leads:read", "leads:create", "leads:update", "contacts:read", "contacts:create"]);
            key["rate_limit"] = json!({"limit": 6000, "window_seconds": 60});
            key["ip_allowlist"] = json!(["203.0.113.0/24", "198.51.100.7", "2001:db8:40::/48"]);
            key["expires_at"] = json!(now.plus_ms(86_400_000));
            key["metadata"] = json!({"team": "integrations", "environment": "production", "ticket": "OPS-4711"});
        }
        json!({"format": 1, "key": key}).to_string()
    }
}

/// As many records with nothing in them as are asked for; they differ in their ids.
pub fn bare(count: usize) -> impl Iterator<Item = KeyRecord> {
    let keys = Keys::default();
    let credential = Key::generate(&KeyPrefix::default(), &keys.dice).expect("dice do not fail");
    let one = KeyRecord::from_stored(&keys.document(&credential, false)).expect("a stored record");
    (0..count).map(move |_| {
        let id = KeyId::new(Timestamp::from_ms(NOW_MS), &keys.dice).expect("dice do not fail");
        KeyRecord { id, ..one.clone() }
    })
}
