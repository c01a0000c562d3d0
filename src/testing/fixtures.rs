//! One organization and one key that most tests start from.

use serde_json::{Value, json};

use super::chance::Repeating;
use crate::{
    audit::entry::Origin,
    authn::portal::{PortalDraft, PortalSession},
    base::{
        actor::Actor,
        document::{Faults, Field},
        id::{Id, KeyId, Kind, OrgId, SecretId},
        secret::Plaintext,
        time::Timestamp,
    },
    decision::facts::Ask,
    key::{
        draft::{Issue, KeyDraft},
        record::{self, KeyRecord, SecretRecord},
        state::Revoking,
    },
    policy::{
        org::{OrgDraft, Organization},
        role::Roles,
        rules::Policy,
        scope::Requirement,
    },
    ports::Ports,
    service::{author::Author, keys::Change},
    token::format::Key,
};

/// 2030-03-17T17:46:40Z.
pub const NOW: Timestamp = Timestamp::at(1_900_000_000_000);

fn id<K: Kind>() -> Id<K> {
    Id::new(NOW, &Repeating(7)).unwrap()
}

pub fn org_id() -> OrgId {
    id()
}

pub fn key_id() -> KeyId {
    id()
}

pub fn secret_id() -> SecretId {
    id()
}

/// A policy with the resource `leads`, without leases, and `changes` laid over it.
pub fn policy(changes: Value) -> Policy {
    let mut document = json!({"consistency": {"lease_ms": 0}, "resources": [{"name": "leads", "title": "Leads", "description": "Lead records", "actions": ["read", "create", "update", "delete"]}]});
    for (name, value) in changes.as_object().unwrap() {
        document[name] = value.clone();
    }
    let mut faults = Faults::default();
    let policy = Policy::read(&Field::new(&document, ""), &mut faults);
    faults.conclude(policy).unwrap()
}

pub fn organization(changes: Value) -> Organization {
    let draft = OrgDraft { name: "Acme".into(), features: Default::default(), policy: policy(changes) };
    draft.into_organization(org_id(), NOW)
}

/// The organization of service keys, as the migration makes it.
pub fn system_organization() -> Organization {
    let migration = include_str!("../../migrations/0003_service_keys.sql");
    let document = migration.split('\'').find(|text| text.contains("resources")).unwrap();
    let draft = OrgDraft { name: "Latchkey".into(), features: Default::default(), policy: serde_json::from_str(document).unwrap() };
    draft.into_organization(OrgId::reserved(), NOW)
}

/// An active key of [`organization`] with `leads:read`, made an hour before [`NOW`].
pub fn key() -> KeyRecord {
    key_of(&organization(json!({})), json!({"name": "Zapier production", "permissions": ["leads:read"]}))
}

pub fn key_of(organization: &Organization, body: Value) -> KeyRecord {
    let draft = KeyDraft::read(&body, &organization.policy, NOW).unwrap();
    let made = NOW.plus_ms(-3_600_000);
    let secret = SecretRecord::of(secret_id(), &Key::parse(&credential()).unwrap(), made);
    let issue = Issue { key_id: key_id(), secret, created_by: Actor::operator() };
    draft.into_record(organization.id.clone(), record::Kind::Standard, &issue)
}

/// The credential of [`key`].
pub fn credential() -> String {
    let body = "sk_4fK2a9Qz_8dAbCdEfGhIjKlMnOpQrStUvWx";
    let sum = crate::token::base62::encode(crc32fast::hash(body.as_bytes()));
    format!("{body}{sum}")
}

/// A session of Ada, a developer of [`organization`], made at [`NOW`] and not yet opened; `changes` are laid over its
/// body.
pub fn portal_session(changes: Value) -> PortalSession {
    let mut body = json!({"user": {"id": "ada"}, "role": "developer"});
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    let draft = PortalDraft::read(&body, &Roles::default()).unwrap();
    draft.into_session(id(), org_id(), &Plaintext::new("link".into()), Actor::operator(), NOW)
}

/// A well-formed credential that is no key's; each number gives another.
pub fn unknown_credential(number: u32) -> String {
    let body = format!("sk_00000000_{number:026}");
    let sum = crate::token::base62::encode(crc32fast::hash(body.as_bytes()));
    format!("{body}{sum}")
}

pub fn request_id() -> crate::base::id::RequestId {
    id()
}

/// A request of the operator's.
pub fn origin() -> Origin {
    Origin { actor: Actor::operator(), ip: Some("203.0.113.9".into()), user_agent: Some("curl/8".into()), request_id: request_id() }
}

/// The operator, as somebody who changes keys.
pub fn author() -> Author {
    Author { origin: origin(), bounds: None }
}

/// A request that needs that permission.
pub fn asking_for(permission: &str) -> Ask {
    let text = Value::from(permission);
    let mut faults = Faults::default();
    let requirement = Requirement::read(&Field::new(&text, ""), &mut faults);
    Ask { requirement: faults.conclude(requirement).unwrap(), ..Ask::plain() }
}

/// The record, revoked by the operator at [`NOW`].
pub fn revoked(key: KeyRecord) -> KeyRecord {
    match key.revoke(Actor::operator(), None, NOW) {
        Revoking::Now(key) | Revoking::Before(key) => key,
    }
}

/// A change of the usual key by the operator.
pub fn change<'a>(ports: &'a Ports, if_version: Option<&'a [u64]>) -> Change<'a> {
    Change { ports, org: ORG, key: KEY, if_version, author: author() }
}

/// [`org_id`] as text.
pub const ORG: &str = "org_01q9gd6e000w3ge1r70w3ge1r7";

/// [`key_id`] as text.
pub const KEY: &str = "key_01q9gd6e000w3ge1r70w3ge1r7";
