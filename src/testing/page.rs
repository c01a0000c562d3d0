//! A page of keys as `storage::d1::list` selects it: same order, same ties, same filters.

use std::cmp::Ordering;

use crate::{
    audit::{entry::AuditEntry, query::AuditQuery},
    base::{id::OrgId, time::Timestamp},
    key::{
        query::{KeyQuery, Position, SortField},
        record::KeyRecord,
    },
    policy::org::Organization,
    ports::OrgQuery,
};

/// The sort value of a row. Names compare as SQLite's NOCASE does: ASCII letters without regard to case, then bytes.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Ms(i64),
    Name(String),
}

/// The keys of the page that `query` asks for.
pub fn of(keys: &[KeyRecord], org: &OrgId, query: &KeyQuery) -> Vec<KeyRecord> {
    let mut page: Vec<&KeyRecord> = keys.iter().filter(|key| key.org_id == *org && shows(key, query)).collect();
    let place = |key: &KeyRecord| (value(key, query.sort.field), key.id.to_string());
    let ordered = |ordering: Ordering| if query.sort.descending { ordering.reverse() } else { ordering };
    if let Some(position) = &query.after {
        let start = (parse(position, query.sort.field), position.id.clone());
        page.retain(|key| ordered(place(key).cmp(&start)) == Ordering::Greater);
    }
    page.sort_by(|one, other| ordered(place(one).cmp(&place(other))));
    page.into_iter().take(query.limit as usize).cloned().collect()
}

fn shows(key: &KeyRecord, query: &KeyQuery) -> bool {
    let search = query.search.as_deref().map(str::to_ascii_lowercase).unwrap_or_default();
    (query.statuses.is_empty() || query.statuses.contains(&key.status(query.now)))
        && query.kind.is_none_or(|kind| kind == key.kind)
        && (key.name.to_ascii_lowercase().contains(&search) || key.prefix().to_ascii_lowercase().starts_with(&search))
}

fn value(key: &KeyRecord, field: SortField) -> Value {
    match field {
        SortField::CreatedAt => Value::Ms(key.created_at.ms()),
        SortField::LastUsedAt => Value::Ms(key.last_used_at.map_or(0, Timestamp::ms)),
        SortField::Name => Value::Name(key.name.to_ascii_lowercase()),
    }
}

fn parse(position: &Position, field: SortField) -> Value {
    match field {
        SortField::CreatedAt | SortField::LastUsedAt => Value::Ms(position.value.parse().unwrap_or(0)),
        SortField::Name => Value::Name(position.value.to_ascii_lowercase()),
    }
}

/// The page of an audit log that a query asks for.
pub fn of_audit(entries: &[AuditEntry], org: &OrgId, query: &AuditQuery) -> Vec<AuditEntry> {
    let place = |entry: &AuditEntry| (entry.at, entry.id.to_string());
    let shown = |entry: &&AuditEntry| {
        entry.org_id.as_ref() == Some(org)
            && query.action.as_ref().is_none_or(|action| entry.action.as_str() == action)
            && query.target.as_ref().is_none_or(|target| entry.target.id == *target)
            && query.actor.as_ref().is_none_or(|actor| entry.actor.id == *actor)
            && query.from.is_none_or(|from| entry.at >= from)
            && query.to.is_none_or(|to| entry.at < to)
            && query.after.as_ref().is_none_or(|after| place(entry) < *after)
    };
    let mut page: Vec<AuditEntry> = entries.iter().filter(shown).cloned().collect();
    page.sort_by_key(|entry| std::cmp::Reverse(place(entry)));
    page.truncate(query.limit as usize);
    page
}

/// The page of organizations that a query asks for.
pub fn of_orgs(orgs: &[Organization], query: &OrgQuery) -> Vec<Organization> {
    let place = |org: &Organization| (org.created_at, org.id.to_string());
    let mut page: Vec<Organization> =
        orgs.iter().filter(|org| query.after.as_ref().is_none_or(|after| place(org) < *after)).cloned().collect();
    page.sort_by_key(|org| std::cmp::Reverse(place(org)));
    page.truncate(query.limit as usize);
    page
}
