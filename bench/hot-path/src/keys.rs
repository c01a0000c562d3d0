//! Keys as customers have them: a name, five of seven permissions, a rate, an end.

use latchkey::{
    base::{
        chance::Entropy,
        id::{KeyId, OrgId, SecretId},
        time::Timestamp,
    },
    key::record::{KeyRecord, SecretRecord},
    policy::org::{OrgDraft, Organization},
    token::{
        digest::Digest,
        format::{Key, KeyPrefix},
    },
};
use serde_json::json;

use crate::nobody::Dice;

/// 2030-03-17T17:46:40Z.
pub const NOW_MS: i64 = 1_900_000_000_000;

const OTHER_PERMISSIONS: [&str; 6] =
    ["leads:create", "leads:update", "contacts:read", "contacts:create", "contacts:update", "contacts:delete"];

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

    /// `leads:read` and four others: keys of an organization are of some kinds.
    fn permissions(&self) -> Vec<&str> {
        let mut permissions = vec!["leads:read"];
        let mut others = OTHER_PERMISSIONS.to_vec();
        permissions.extend((0..4).map(|_| others.remove(self.one_of(others.len()))));
        permissions
    }

    fn one_of(&self, count: usize) -> usize {
        let mut byte = [0];
        self.dice.fill(&mut byte).expect("dice do not fail");
        usize::from(byte[0]) % count
    }

    fn document(&self, credential: &Key, full: bool) -> String {
        let now = Timestamp::from_ms(NOW_MS);
        let (key_id, secret_id) = (KeyId::new(now, &self.dice), SecretId::new(now, &self.dice));
        let (key_id, secret_id) = (key_id.expect("dice do not fail"), secret_id.expect("dice do not fail"));
        let mut key = json!({
            "id": key_id, "org_id": self.org, "name": "Zapier production EU", "prefix": credential.display_prefix(),
            "kind": "standard", "permissions": [], "can_impersonate": false, "rate_limit": null, "ip_allowlist": [],
            "expires_at": null, "metadata": {}, "consistency": "leased", "version": 3, "created_at": now,
            "created_by": {"type": "member", "id": format!("user_2fK9dQz{}", self.one_of(20)), "name": "Ada Lovelace"},
            "updated_at": now,
            "revocation": null, "last_used_at": now,
            "secrets": [{
                "id": secret_id, "digest": credential.digest(), "prefix": credential.display_prefix(), "created_at": now,
                "expires_at": null, "last_used_at": now,
            }],
        });
        if full {
            key["permissions"] = json!(self.permissions());
            key["rate_limit"] = json!({"limit": 6000, "window_seconds": 60});
            key["expires_at"] = json!(now.plus_ms(86_400_000));
        }
        json!({"format": 1, "key": key}).to_string()
    }
}

/// As many records with nothing in them as are asked for; they differ in their ids and digests.
pub fn bare(count: usize) -> impl Iterator<Item = KeyRecord> {
    let keys = Keys::default();
    let credential = Key::generate(&KeyPrefix::default(), &keys.dice).expect("dice do not fail");
    let one = KeyRecord::from_stored(&keys.document(&credential, false)).expect("a stored record");
    (0..count).map(move |_| {
        let id = KeyId::new(Timestamp::from_ms(NOW_MS), &keys.dice).expect("dice do not fail");
        let digest = Digest::of(&id.text());
        let secret = |secret: &SecretRecord| SecretRecord { digest, ..secret.clone() };
        KeyRecord { id, secrets: one.secrets.iter().map(secret).collect(), ..one.clone() }
    })
}
