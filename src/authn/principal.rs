//! Who is calling, once proven, and what that lets them do.

use std::rc::Rc;

use crate::{
    base::{
        actor::{Actor, ActorType},
        id::OrgId,
    },
    key::record::KeyRecord,
    policy::{role::Roles, scope::Permission},
};

/// What a route can need of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Grant {
    /// Ask whether a key is good.
    Verify,
    /// Tell, as a proxy, which address a request came from.
    ForwardAuth,
    /// Open the portal for a member.
    PortalCreate,
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
    /// Read what keys were used for.
    UsageRead,
}

/// The resource by which an organization's own keys manage its keys, where its catalog offers it.
pub const API_KEYS: &str = "api_keys";

/// What a role can give a member. The others are about all organizations, and no role has them, not even `*`.
const OF_MEMBERS: [Grant; 5] = [Grant::KeysRead, Grant::KeysWrite, Grant::PlaygroundUse, Grant::AuditRead, Grant::UsageRead];

impl Grant {
    /// Every grant.
    pub const ALL: [Self; 10] = [
        Self::Verify,
        Self::ForwardAuth,
        Self::PortalCreate,
        Self::OrgsRead,
        Self::OrgsWrite,
        Self::KeysRead,
        Self::KeysWrite,
        Self::PlaygroundUse,
        Self::AuditRead,
        Self::UsageRead,
    ];

    /// The word for it in roles.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::ForwardAuth => "forward_auth",
            Self::PortalCreate => "portal:create",
            Self::OrgsRead => "orgs:read",
            Self::OrgsWrite => "orgs:write",
            Self::KeysRead => "keys:read",
            Self::KeysWrite => "keys:write",
            Self::PlaygroundUse => "playground:use",
            Self::AuditRead => "audit:read",
            Self::UsageRead => "usage:read",
        }
    }

    /// Whether a role can give it to a member.
    #[must_use]
    pub fn is_for_members(self) -> bool {
        OF_MEMBERS.contains(&self)
    }

    /// The permission by which a service key has it. A backend that may make keys may make temporary ones.
    #[must_use]
    pub fn of_service(self) -> Permission {
        if self == Self::PlaygroundUse { Self::KeysWrite.permission() } else { self.permission() }
    }

    fn permission(self) -> Permission {
        match self.as_str().split_once(':') {
            Some((resource, action)) => Permission::of(resource, action),
            None => Permission::capability(self.as_str()),
        }
    }

    /// The permission by which an organization's own key has it, if there is one.
    #[must_use]
    pub fn of_own_key(self) -> Option<Permission> {
        match self {
            Self::KeysRead => Some(Permission::of(API_KEYS, "read")),
            Self::KeysWrite | Self::PlaygroundUse => Some(Permission::of(API_KEYS, "write")),
            Self::Verify
            | Self::ForwardAuth
            | Self::PortalCreate
            | Self::OrgsRead
            | Self::OrgsWrite
            | Self::AuditRead
            | Self::UsageRead => None,
        }
    }

    /// What the organization's policy gives members of that role.
    #[must_use]
    pub fn of_role(roles: &Roles, role: &str) -> Vec<Self> {
        OF_MEMBERS.into_iter().filter(|grant| roles.allow(role, grant.as_str())).collect()
    }
}

/// A key that was verified, and the permissions of it that count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHolder {
    /// The key.
    pub key: Rc<KeyRecord>,
    /// Its permissions, as far as its organization's catalog still offers them.
    pub granted: Vec<Permission>,
}

/// A person of an organization, as the platform's identity provider or its backend names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The organization.
    pub org: OrgId,
    /// The platform's id of the person.
    pub user_id: String,
    /// What people call them.
    pub name: String,
    /// Their role in the organization.
    pub role: String,
    /// What the organization's policy gives that role.
    pub grants: Vec<Grant>,
}

/// Somebody who proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// The holder of the operator token: may do everything.
    Operator,
    /// A backend with a key of the reserved organization: what its permissions say, in every other organization.
    Service(KeyHolder),
    /// A person: what their role says, in their own organization.
    Member(Member),
    /// A key that manages the keys of its own organization.
    Key(KeyHolder),
}

/// Whether a principal may enter a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It may.
    Granted,
    /// It may not, and is told so.
    Forbidden,
    /// It belongs to another organization, for which this one does not exist.
    Unknown,
}

impl Principal {
    /// Who a verified key is: a backend, or an organization's own key.
    #[must_use]
    pub fn of_key(holder: KeyHolder) -> Self {
        if holder.key.org_id.is_reserved() { Self::Service(holder) } else { Self::Key(holder) }
    }

    /// Whether the principal may do what needs `grant` (`None`: what only the operator may), to the organization that
    /// the path names, if it names one.
    #[must_use]
    pub fn access(&self, grant: Option<Grant>, org: Option<&str>) -> Access {
        let own = match self {
            Self::Operator => return Access::Granted,
            // The keys of backends are the operator's alone: whoever could make them could make a mightier one.
            Self::Service(_) if org == Some(OrgId::reserved().text().as_str()) => return Access::Forbidden,
            Self::Service(_) => None,
            Self::Member(member) => Some(&member.org),
            Self::Key(holder) => Some(&holder.key.org_id),
        };
        match (own, org) {
            (Some(own), Some(asked)) if *own.text() != *asked => Access::Unknown,
            // What names no organization is about all of them, and whoever belongs to one has a say in that one alone.
            (Some(_), None) => Access::Forbidden,
            _ if grant.is_some_and(|grant| self.holds(grant)) => Access::Granted,
            _ => Access::Forbidden,
        }
    }

    fn holds(&self, grant: Grant) -> bool {
        match self {
            Self::Operator => true,
            Self::Service(holder) => holder.granted.contains(&grant.of_service()),
            Self::Member(member) => member.grants.contains(&grant),
            Self::Key(holder) => grant.of_own_key().is_some_and(|permission| holder.granted.contains(&permission)),
        }
    }

    /// The permission or grant that would be enough, where any could be.
    #[must_use]
    pub fn lacks(&self, grant: Grant, org: Option<&str>) -> Option<Permission> {
        match self {
            Self::Operator => None,
            Self::Service(_) if org == Some(OrgId::reserved().text().as_str()) => None,
            Self::Member(_) | Self::Key(_) if org.is_none() => None,
            Self::Service(_) => Some(grant.of_service()),
            Self::Member(_) => grant.is_for_members().then(|| grant.permission()),
            Self::Key(_) => grant.of_own_key(),
        }
    }

    /// How the principal is recorded.
    #[must_use]
    pub fn actor(&self) -> Actor {
        let key = |kind, holder: &KeyHolder| Actor { kind, id: holder.key.id.to_string(), name: holder.key.name.to_string() };
        match self {
            Self::Operator => Actor::operator(),
            Self::Service(holder) => key(ActorType::Service, holder),
            Self::Member(member) => Actor { kind: ActorType::Member, id: member.user_id.clone(), name: member.name.clone() },
            Self::Key(holder) => key(ActorType::Key, holder),
        }
    }

    /// The key that bounds what the principal can hand on: an organization's own keys never grant more than they have.
    #[must_use]
    pub fn bounds(&self) -> Option<&KeyHolder> {
        match self {
            Self::Key(holder) => Some(holder),
            Self::Operator | Self::Service(_) | Self::Member(_) => None,
        }
    }
}

#[cfg(test)]
#[path = "principal_tests.rs"]
mod tests;
