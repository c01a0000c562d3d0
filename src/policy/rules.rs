//! The policy document of an organization, as a whole and with its defaults.
//!
//! In scope: its members and what they mean. Out of scope: reading it from JSON, see `document`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{catalog::Catalog, console::Console, role::Roles, route::Routes, scope::Permission};
use crate::{limit::rate::RateLimit, token::format::KeyPrefix};

/// The rules of one organization. Unset members take the defaults of [`Policy::default`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// What new keys start with.
    pub key_prefix: KeyPrefix,
    /// The permissions that exist.
    pub resources: Catalog,
    /// Whether a key must hold at least one permission.
    pub require_permission: bool,
    /// Whether a revoked key may come back.
    pub revocation: Revocation,
    /// Whether a key's expiry may be changed after creation.
    pub expiry_editable: bool,
    /// Whether keys may be deleted for good.
    pub deletion: bool,
    /// Whether keys may be edited at all.
    pub editing: bool,
    /// Whether keys may be allowed to act for a named user.
    pub impersonation: bool,
    /// What a key gets that names no rate; `None` is no limit.
    pub default_rate_limit: Option<RateLimit>,
    /// What no key may exceed; `None` leaves the choice free, "no limit" included.
    pub max_rate_limit: Option<RateLimit>,
    /// What all keys of the organization share.
    pub org_rate_limit: Option<RateLimit>,
    /// The longest life of a key in seconds; a key must then have an expiry.
    pub max_lifetime_seconds: Option<u64>,
    /// How fresh decisions are.
    pub consistency: ConsistencyRules,
    /// What members may do, by role.
    pub roles: Roles,
    /// The feature on which management and verification depend.
    pub requires_feature: Option<String>,
    /// HTTP method → action, for `routes`.
    pub method_actions: BTreeMap<String, String>,
    /// Path → resource, for forward auth and the gateway.
    pub routes: Routes,
    /// Temporary keys for docs readers.
    pub playground: Playground,
    /// How the console looks to the organization's people; left out of what is shown while it looks as usual.
    #[serde(skip_serializing_if = "Console::is_usual")]
    pub console: Console,
}

/// Whether a revoked key may come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Revocation {
    /// Never.
    Permanent,
    /// By `reactivate`.
    Reversible,
}

/// How an edge may decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consistency {
    /// Alone, for as long as it holds a lease.
    Leased,
    /// Only by asking the guard, each time.
    Strict,
}

/// The default consistency of keys, the life of a lease, and what happens without a guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConsistencyRules {
    /// What a key gets that names none.
    pub mode: Consistency,
    /// How long an edge may decide alone, in milliseconds, 0 to 30,000.
    pub lease_ms: u32,
    /// What is answered when neither guard nor lease can be had.
    pub on_guard_failure: OnGuardFailure,
}

/// What is answered when neither guard nor lease can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnGuardFailure {
    /// 503: fail closed.
    Deny,
    /// What the last known record says, without a limit.
    Allow,
}

/// Temporary keys for docs readers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Playground {
    /// Whether there are any.
    pub enabled: bool,
    /// What they are called in the list.
    pub name: String,
    /// What they may do.
    pub permissions: Vec<Permission>,
    /// How long they live.
    pub ttl_seconds: u64,
    /// How many a member may have at a time.
    pub max_active_per_member: u32,
    /// Sites that may ask for one from a browser.
    pub allowed_origins: Vec<String>,
    /// Where the organization publishes the description of its own API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub openapi_url: Option<String>,
    /// Where that API is: what its docs may call.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub api_origins: Vec<String>,
}

impl Policy {
    /// What a request needs by `routes` and `method_actions`. `None` for what they do not map.
    #[must_use]
    pub fn permission_for(&self, method: &str, path: &str) -> Option<Permission> {
        let resource = self.routes.resource_of(path)?;
        self.method_actions.get(method).map(|action| Permission::of(resource, action))
    }
}

impl Default for Policy {
    fn default() -> Self {
        let actions = [("GET", "read"), ("HEAD", "read"), ("POST", "create"), ("PUT", "update"), ("PATCH", "update"), ("DELETE", "delete")];
        Self {
            key_prefix: KeyPrefix::default(),
            resources: Catalog::default(),
            require_permission: false,
            revocation: Revocation::Permanent,
            expiry_editable: false,
            deletion: false,
            editing: true,
            impersonation: false,
            default_rate_limit: Some(RateLimit { limit: 60, window_seconds: 60 }),
            max_rate_limit: None,
            org_rate_limit: None,
            max_lifetime_seconds: None,
            consistency: ConsistencyRules::default(),
            roles: Roles::default(),
            requires_feature: None,
            method_actions: actions.into_iter().map(|(method, action)| (method.to_owned(), action.to_owned())).collect(),
            routes: Routes::default(),
            playground: Playground::default(),
            console: Console::default(),
        }
    }
}

impl Default for ConsistencyRules {
    fn default() -> Self {
        Self { mode: Consistency::Leased, lease_ms: 2000, on_guard_failure: OnGuardFailure::Deny }
    }
}

impl Default for Playground {
    fn default() -> Self {
        Self {
            enabled: false,
            name: "Docs playground (temp)".to_owned(),
            permissions: Vec::new(),
            ttl_seconds: 3600,
            max_active_per_member: 5,
            allowed_origins: Vec::new(),
            openapi_url: None,
            api_origins: Vec::new(),
        }
    }
}
