//! Reading the members that creations, edits and imports share, each held against the organization's policy.

use serde_json::Value;

use super::metadata::Metadata;
use crate::{
    base::{
        document::{Faults, Field},
        time::Timestamp,
    },
    limit::rate::RateLimit,
    network::cidr::AddressRange,
    policy::{rules::Policy, scope::Permission},
    token::format::contains_key,
};

const MAX_RANGES: usize = 100;
const MAX_METADATA_BYTES: usize = 4096;
/// Far below what a JSON reader gives up on, so that a record or an audit entry around it can be read back.
const MAX_METADATA_DEPTH: usize = 20;

/// Permissions, all of which must exist in the catalog; at least one where the policy asks for it.
pub fn permissions(field: &Field<'_>, policy: &Policy, faults: &mut Faults) -> Option<Vec<Permission>> {
    let permissions = policy.resources.read_permissions(field, faults)?;
    // An unknown permission is a fault already: that none is left is not another.
    if permissions.is_empty() && field.value.as_array().is_some_and(Vec::is_empty) {
        at_least_one(&field.pointer, policy, faults);
    }
    Some(permissions)
}

/// Notes a key without permissions where the policy wants one.
pub fn at_least_one(pointer: &str, policy: &Policy, faults: &mut Faults) {
    if policy.require_permission {
        faults.value(pointer, "must hold at least one permission in this organization");
    }
}

/// A rate, or `null` for no limit; neither may exceed the policy's maximum.
pub fn rate_limit(field: &Field<'_>, policy: &Policy, faults: &mut Faults) -> Option<Option<RateLimit>> {
    let rate = if field.value.is_null() { None } else { Some(RateLimit::read(field, faults)?) };
    if let Some(max) = &policy.max_rate_limit
        && !rate.as_ref().is_some_and(|rate| rate.fits_in(max))
    {
        let detail = format!("must not admit more than {} in any {} seconds in this organization", max.limit, max.window_seconds);
        faults.value(&field.pointer, detail);
    }
    Some(rate)
}

/// Addresses and networks. Repeated ones count once.
pub fn ip_allowlist(field: &Field<'_>, faults: &mut Faults) -> Option<Vec<AddressRange>> {
    let items = field.list(faults)?;
    if items.len() > MAX_RANGES {
        faults.value(&field.pointer, format!("must hold at most {MAX_RANGES} addresses or networks"));
        return None;
    }
    let mut ranges = Vec::new();
    for item in items {
        match item.parsed(AddressRange::parse, faults) {
            Some(range) if !ranges.contains(&range) => ranges.push(range),
            Some(_) | None => {}
        }
    }
    Some(ranges)
}

/// The end of a key's life, or `null` for none: in the future, and no later than the policy's longest life.
pub fn expires_at(field: &Field<'_>, policy: &Policy, born: Timestamp, now: Timestamp, faults: &mut Faults) -> Option<Option<Timestamp>> {
    if field.value.is_null() {
        lifetime(&field.pointer, None, policy, born, faults);
        return Some(None);
    }
    let moment = field.parsed(Timestamp::parse, faults)?;
    if moment <= now {
        faults.value(&field.pointer, "must be in the future");
    }
    lifetime(&field.pointer, Some(moment), policy, born, faults);
    Some(Some(moment))
}

/// Notes a life that is longer than the policy allows.
pub fn lifetime(pointer: &str, end: Option<Timestamp>, policy: &Policy, born: Timestamp, faults: &mut Faults) {
    let Some(max) = policy.max_lifetime_seconds else { return };
    let latest = born.plus_ms(i64::try_from(max).unwrap_or(i64::MAX).saturating_mul(1000));
    if end.is_none_or(|moment| moment > latest) {
        faults.value(pointer, format!("must be at most {max} seconds after the creation of the key in this organization"));
    }
}

/// The organization's own notes.
pub fn metadata(field: &Field<'_>, faults: &mut Faults) -> Option<Metadata> {
    let Some(metadata) = field.value.as_object() else {
        faults.shape(&field.pointer, "must be an object");
        return None;
    };
    let text = field.value.to_string();
    if text.len() > MAX_METADATA_BYTES {
        faults.value(&field.pointer, format!("must be at most {MAX_METADATA_BYTES} bytes of JSON"));
    }
    if depth(field.value) > MAX_METADATA_DEPTH {
        faults.value(&field.pointer, format!("must be nested at most {MAX_METADATA_DEPTH} deep"));
    }
    if contains_key(&text) {
        faults.value(&field.pointer, "must not contain a key: metadata is shown and logged");
    }
    Some(metadata.clone().into())
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
