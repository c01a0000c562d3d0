//! Who is calling, once proven.

use crate::base::actor::Actor;

/// What a route can need of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Grant {
    /// Ask whether a key is good.
    Verify,
    /// Read organizations.
    OrgsRead,
    /// Make and change organizations.
    OrgsWrite,
    /// Read keys.
    KeysRead,
    /// Make and change keys.
    KeysWrite,
    /// Make temporary keys for oneself.
    PlaygroundUse,
    /// Read the audit log.
    AuditRead,
}

/// A person of an organization, in the words of the backend that vouches for them.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct User {
    /// Their id.
    pub id: String,
    /// What people call them.
    pub name: String,
}

/// Somebody who proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// The holder of the operator token: may do everything.
    Operator,
}

/// The three outcomes of authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// No credential was presented.
    NotAsked,
    /// The credential is good.
    Authenticated(Principal),
    /// The credential is not good; what is wrong with it is not said.
    Failed,
}

impl Principal {
    /// Whether the caller may do what needs `grant`.
    #[must_use]
    pub fn may(&self, _grant: Grant) -> bool {
        match self {
            Self::Operator => true,
        }
    }

    /// How the caller is recorded.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self {
            Self::Operator => Actor::operator(),
        }
    }
}
