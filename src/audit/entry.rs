//! An audit entry.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    authn::portal::PortalSession,
    base::{
        actor::Actor,
        id::{AuditId, OrgId, RequestId},
        time::Timestamp,
    },
    key::record::KeyRecord,
    policy::org::Organization,
};

macro_rules! actions {
    ($($name:ident $word:literal $doc:literal;)*) => {
        /// What was done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Action {
            $(#[doc = $doc] #[serde(rename = $word)] $name,)*
        }

        impl Action {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The word for it in the API and in the truth.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// Reads that word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|action| action.as_str() == word)
            }
        }
    };
}

actions! {
    OrgCreated "org.created" "An organization was made.";
    OrgUpdated "org.updated" "An organization's name, features or policy changed.";
    KeyCreated "key.created" "A key was made.";
    KeyUpdated "key.updated" "A key was edited.";
    KeyRevoked "key.revoked" "A key was revoked.";
    KeyReactivated "key.reactivated" "A revoked key was brought back.";
    KeyRotated "key.rotated" "A key got a new secret.";
    KeyRotationCompleted "key.rotation_completed" "The older secret of a key was ended.";
    KeyDeleted "key.deleted" "A key was removed for good.";
    KeyImpersonated "key.impersonated" "Requests were made with a key for a user: the actor is the user, and each entry tells of those alike.";
    KeyImported "key.imported" "A key that was issued elsewhere was taken over.";
    PlaygroundKeyCreated "playground_key.created" "A temporary key was made.";
    PortalSessionCreated "portal_session.created" "A portal link was made.";
    PortalSessionOpened "portal_session.opened" "A portal link was opened: a member signed in.";
    PortalSessionUpdated "portal_session.updated" "The role of a portal session changed.";
    PortalSessionEnded "portal_session.ended" "A member signed out, or a portal session was ended.";
}

/// What it was done to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// `org`, `key` or `portal_session`.
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

impl Target {
    /// An organization as the target.
    #[must_use]
    pub fn org(organization: &Organization) -> Self {
        Self { kind: "org".to_owned(), id: organization.id.to_string(), name: organization.name.clone(), prefix: None }
    }

    /// A key as the target.
    #[must_use]
    pub fn key(key: &KeyRecord) -> Self {
        Self { kind: "key".to_owned(), id: key.id.to_string(), name: key.name.to_string(), prefix: Some(key.prefix().to_owned()) }
    }

    /// A portal session as the target, under its member's name.
    #[must_use]
    pub fn portal_session(session: &PortalSession) -> Self {
        Self { kind: "portal_session".to_owned(), id: session.id.to_string(), name: session.user.name.clone(), prefix: None }
    }
}

impl Origin {
    /// The entry for what this request did.
    #[must_use]
    pub fn entry(
        self,
        id: AuditId,
        org_id: OrgId,
        at: Timestamp,
        action: Action,
        target: Target,
        changes: Map<String, Value>,
    ) -> AuditEntry {
        let Self { actor, ip, user_agent, request_id } = self;
        AuditEntry { id, org_id: Some(org_id), at, actor, action, target, changes, ip, user_agent, request_id }
    }
}
