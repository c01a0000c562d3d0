//! An audit entry.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    base::{
        actor::Actor,
        id::{AuditId, OrgId, RequestId},
        time::Timestamp,
    },
    key::record::KeyRecord,
    policy::org::Organization,
};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Action {
    /// An organization was made.
    #[serde(rename = "org.created")]
    OrgCreated,
    /// A key was made.
    #[serde(rename = "key.created")]
    KeyCreated,
    /// A key was revoked.
    #[serde(rename = "key.revoked")]
    KeyRevoked,
}

/// What it was done to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// `org` or `key`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name at that time.
    pub name: String,
    /// Of a key, what it is recognized by. Never a secret.
    pub prefix: Option<String>,
}

/// The request that did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Who.
    pub actor: Actor,
    /// From which address, if known.
    pub ip: Option<String>,
    /// With which program, if it said so.
    pub user_agent: Option<String>,
    /// In which request.
    pub request_id: RequestId,
}

/// One change. Entries are never changed or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its id.
    pub id: AuditId,
    /// In which organization.
    #[serde(skip)]
    pub org_id: Option<OrgId>,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    pub action: Action,
    /// To what.
    pub target: Target,
    /// Field → `{"from", "to"}`.
    pub changes: Map<String, Value>,
    /// From which address.
    pub ip: Option<String>,
    /// With which program.
    pub user_agent: Option<String>,
    /// In which request.
    pub request_id: RequestId,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 3] = [Self::OrgCreated, Self::KeyCreated, Self::KeyRevoked];

    /// The word for it in the API and in the truth.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OrgCreated => "org.created",
            Self::KeyCreated => "key.created",
            Self::KeyRevoked => "key.revoked",
        }
    }
}

impl Target {
    /// An organization as the target.
    #[must_use]
    pub fn org(organization: &Organization) -> Self {
        Self { kind: "org".to_owned(), id: organization.id.to_string(), name: organization.name.clone(), prefix: None }
    }

    /// A key as the target.
    #[must_use]
    pub fn key(key: &KeyRecord) -> Self {
        Self { kind: "key".to_owned(), id: key.id.to_string(), name: key.name.clone(), prefix: Some(key.prefix.clone()) }
    }
}

/// A field's change.
#[must_use]
pub fn change(field: &str, from: impl Serialize, to: impl Serialize) -> (String, Value) {
    (field.to_owned(), json!({ "from": from, "to": to }))
}
