//! Reading a policy document: validated as a whole, every fault with its pointer.
//!
//! In scope: shapes, bounds, and members that must agree with each other. Out of scope: what members mean.

use std::collections::BTreeMap;

use super::{
    catalog::Catalog,
    console::Console,
    name,
    role::Roles,
    route::Routes,
    rules::{Consistency, ConsistencyRules, OnGuardFailure, Playground, Policy, Revocation},
    scope::read_word,
};
use crate::{
    base::{
        document::{Faults, Field, Members},
        web_origin::is_web_origin,
    },
    limit::rate::RateLimit,
    token::format::KeyPrefix,
};

const MAX_LEASE_MS: u64 = 30_000;
const MAX_LIFETIME_SECONDS: u64 = 100 * 366 * 86_400;
const MAX_PLAYGROUND_SECONDS: u64 = 86_400;
const MAX_PLAYGROUND_KEYS: u64 = 100;
const MAX_ORIGINS: usize = 50;
const MAX_URL_BYTES: usize = 500;

impl Policy {
    /// Reads a whole policy; what it leaves out takes its default.
    pub fn read(field: &Field<'_>, faults: &mut Faults) -> Option<Self> {
        let standard = Self::default();
        let mut members = field.object(faults)?;
        let m = &mut members;
        let resources = optional(m, "resources", standard.resources, faults, Catalog::read)?;
        let policy = Self {
            key_prefix: optional(m, "key_prefix", standard.key_prefix, faults, |field, faults| field.parsed(KeyPrefix::parse, faults))?,
            require_permission: flag(m, "require_permission", standard.require_permission, faults)?,
            revocation: optional(m, "revocation", standard.revocation, faults, |field, faults| {
                one_of(field, &[("permanent", Revocation::Permanent), ("reversible", Revocation::Reversible)], faults)
            })?,
            expiry_editable: flag(m, "expiry_editable", standard.expiry_editable, faults)?,
            deletion: flag(m, "deletion", standard.deletion, faults)?,
            editing: flag(m, "editing", standard.editing, faults)?,
            impersonation: flag(m, "impersonation", standard.impersonation, faults)?,
            default_rate_limit: nullable(m, "default_rate_limit", standard.default_rate_limit, faults, RateLimit::read)?,
            max_rate_limit: nullable(m, "max_rate_limit", None, faults, RateLimit::read)?,
            org_rate_limit: nullable(m, "org_rate_limit", None, faults, RateLimit::read)?,
            max_lifetime_seconds: nullable(m, "max_lifetime_seconds", None, faults, |field, faults| {
                field.integer(1..=MAX_LIFETIME_SECONDS, faults)
            })?,
            consistency: optional(m, "consistency", standard.consistency, faults, read_consistency)?,
            roles: optional(m, "roles", standard.roles, faults, Roles::read)?,
            requires_feature: nullable(m, "requires_feature", None, faults, read_word)?,
            method_actions: optional(m, "method_actions", standard.method_actions, faults, read_method_actions)?,
            routes: optional(m, "routes", standard.routes, faults, |field, faults| Routes::read(field, &resources, faults))?,
            playground: optional(m, "playground", standard.playground, faults, |field, faults| read_playground(field, &resources, faults))?,
            console: optional(m, "console", standard.console, faults, Console::read)?,
            resources,
        };
        members.close(faults);
        if let (Some(default), Some(max)) = (&policy.default_rate_limit, &policy.max_rate_limit)
            && !default.fits_in(max)
        {
            faults.value(&format!("{}/default_rate_limit", field.pointer), "must not exceed max_rate_limit");
        }
        if policy.default_rate_limit.is_none() && policy.max_rate_limit.is_some() {
            faults.value(&format!("{}/default_rate_limit", field.pointer), "must not be null (no limit) while there is a max_rate_limit");
        }
        Some(policy)
    }
}

/// An absent member takes its default; a bad one is a fault and its default stands in, so that reading goes on.
pub(super) fn optional<T: Clone>(
    members: &mut Members<'_>,
    name: &'static str,
    standard: T,
    faults: &mut Faults,
    read: impl FnOnce(&Field<'_>, &mut Faults) -> Option<T>,
) -> Option<T> {
    match members.optional(name) {
        None => Some(standard),
        Some(field) => Some(read(&field, faults).unwrap_or(standard)),
    }
}

pub(super) fn nullable<T: Clone>(
    members: &mut Members<'_>,
    name: &'static str,
    standard: Option<T>,
    faults: &mut Faults,
    read: impl FnOnce(&Field<'_>, &mut Faults) -> Option<T>,
) -> Option<Option<T>> {
    optional(
        members,
        name,
        standard,
        faults,
        |field, faults| {
            if field.value.is_null() { Some(None) } else { read(field, faults).map(Some) }
        },
    )
}

fn flag(members: &mut Members<'_>, name: &'static str, standard: bool, faults: &mut Faults) -> Option<bool> {
    optional(members, name, standard, faults, |field, faults| field.boolean(faults))
}

/// Reads one of a few words.
pub(super) fn one_of<T: Copy>(field: &Field<'_>, choices: &[(&str, T)], faults: &mut Faults) -> Option<T> {
    let text = field.text(faults)?;
    let choice = choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    if choice.is_none() {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        faults.value(&field.pointer, format!("must be one of {}", words.join(", ")));
    }
    choice
}

impl Consistency {
    /// Reads `leased` or `strict`.
    pub fn read(field: &Field<'_>, faults: &mut Faults) -> Option<Self> {
        one_of(field, &[("leased", Self::Leased), ("strict", Self::Strict)], faults)
    }
}

fn read_consistency(field: &Field<'_>, faults: &mut Faults) -> Option<ConsistencyRules> {
    let standard = ConsistencyRules::default();
    let mut members = field.object(faults)?;
    let rules = ConsistencyRules {
        mode: optional(&mut members, "mode", standard.mode, faults, Consistency::read)?,
        lease_ms: optional(&mut members, "lease_ms", standard.lease_ms, faults, |field, faults| {
            field.integer(0..=MAX_LEASE_MS, faults).and_then(|ms| u32::try_from(ms).ok())
        })?,
        on_guard_failure: optional(&mut members, "on_guard_failure", standard.on_guard_failure, faults, |field, faults| {
            one_of(field, &[("deny", OnGuardFailure::Deny), ("allow", OnGuardFailure::Allow)], faults)
        })?,
    };
    members.close(faults);
    Some(rules)
}

fn read_method_actions(field: &Field<'_>, faults: &mut Faults) -> Option<BTreeMap<String, String>> {
    let mut actions = BTreeMap::new();
    for (method, action) in field.map(faults)? {
        if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            faults.value(&action.pointer, "must stand under an HTTP method in capital letters");
        }
        actions.insert(method.to_owned(), read_word(&action, faults)?);
    }
    Some(actions)
}

fn read_playground(field: &Field<'_>, resources: &Catalog, faults: &mut Faults) -> Option<Playground> {
    let standard = Playground::default();
    let mut members = field.object(faults)?;
    let playground = Playground {
        enabled: flag(&mut members, "enabled", standard.enabled, faults)?,
        name: optional(&mut members, "name", standard.name, faults, name::read)?,
        permissions: optional(&mut members, "permissions", standard.permissions, faults, |field, faults| {
            resources.read_permissions(field, faults)
        })?,
        ttl_seconds: optional(&mut members, "ttl_seconds", standard.ttl_seconds, faults, |field, faults| {
            field.integer(60..=MAX_PLAYGROUND_SECONDS, faults)
        })?,
        max_active_per_member: optional(&mut members, "max_active_per_member", standard.max_active_per_member, faults, |field, faults| {
            field.integer(1..=MAX_PLAYGROUND_KEYS, faults).and_then(|count| u32::try_from(count).ok())
        })?,
        allowed_origins: optional(&mut members, "allowed_origins", standard.allowed_origins, faults, read_origins)?,
        openapi_url: nullable(&mut members, "openapi_url", standard.openapi_url, faults, read_address)?,
        api_origins: optional(&mut members, "api_origins", standard.api_origins, faults, read_origins)?,
    };
    members.close(faults);
    Some(playground)
}

/// An address that this deployment asks itself. Plain HTTP is for development: it says so by naming this machine.
fn read_address(field: &Field<'_>, faults: &mut Faults) -> Option<String> {
    let text = field.text(faults)?;
    let known = ["https://", "http://127.0.0.1:", "http://localhost:"].iter().any(|start| text.starts_with(start));
    if known && text.len() <= MAX_URL_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains(['@', '#']) {
        return Some(text.to_owned());
    }
    faults.value(&field.pointer, "must be an address by https, without a name, a password or a fragment");
    None
}

fn read_origins(field: &Field<'_>, faults: &mut Faults) -> Option<Vec<String>> {
    let items = field.list(faults)?;
    if items.len() > MAX_ORIGINS {
        faults.value(&field.pointer, format!("must hold at most {MAX_ORIGINS} origins"));
    }
    let mut origins = Vec::new();
    for item in items {
        let origin = item.text(faults)?;
        if !is_web_origin(origin) {
            faults.value(&item.pointer, "must be an origin as browsers write it, such as https://docs.example.com: no path, no capitals, no port that is the usual one");
        }
        origins.push(origin.to_owned());
    }
    Some(origins)
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
