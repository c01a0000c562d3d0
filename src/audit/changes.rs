//! What a change came to, field by field, as the API shows the fields.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::base::document;

/// The members of a key that people change. Ids, versions and times of the record itself say nothing new.
const KEY_FIELDS: &[&str] = &[
    "name",
    "prefix",
    "permissions",
    "can_impersonate",
    "rate_limit",
    "ip_allowlist",
    "expires_at",
    "metadata",
    "consistency",
    "status",
    "revocation_reason",
    "secrets",
];

/// The members of an organization that people change.
const ORG_FIELDS: &[&str] = &["name", "features", "policy"];

/// The members of a portal session that change.
const SESSION_FIELDS: &[&str] = &["user", "role", "status", "expires_at"];

/// Field → `{"from", "to"}` of a portal session's views before and after.
#[must_use]
pub fn of_session(before: Option<&impl Serialize>, after: Option<&impl Serialize>) -> Map<String, Value> {
    between(SESSION_FIELDS, before, after)
}

/// Field → `{"from", "to"}` of a key's views before and after.
#[must_use]
pub fn of_key(before: Option<&impl Serialize>, after: Option<&impl Serialize>) -> Map<String, Value> {
    between(KEY_FIELDS, before, after)
}

/// Field → `{"from", "to"}` of an organization before and after. Of its policy, member by member: `policy/deletion`.
#[must_use]
pub fn of_org(before: Option<&impl Serialize>, after: Option<&impl Serialize>) -> Map<String, Value> {
    let mut changes = between(ORG_FIELDS, before, after);
    if let Some(Value::Object(policy)) = changes.remove("policy") {
        let side = |name: &str| policy.get(name).cloned().unwrap_or_default();
        let (from, to) = (side("from"), side("to"));
        for (name, _) in to.as_object().into_iter().flatten() {
            insert(&mut changes, format!("policy/{name}"), from.get(name), to.get(name));
        }
    }
    changes
}

fn between(fields: &[&str], before: Option<&impl Serialize>, after: Option<&impl Serialize>) -> Map<String, Value> {
    let (before, after) = (before.map(document::tree), after.map(document::tree));
    let mut changes = Map::new();
    for field in fields {
        let side = |record: &Option<Value>| record.as_ref().and_then(|record| record.get(*field)).cloned();
        insert(&mut changes, (*field).to_owned(), side(&before).as_ref(), side(&after).as_ref());
    }
    changes
}

fn insert(changes: &mut Map<String, Value>, field: String, from: Option<&Value>, to: Option<&Value>) {
    if from.unwrap_or(&Value::Null) != to.unwrap_or(&Value::Null) {
        let side = |value: Option<&Value>| value.cloned().unwrap_or_default();
        changes.insert(field, Map::from_iter([("from".to_owned(), side(from)), ("to".to_owned(), side(to))]).into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        key::record::KeyRecord,
        testing::fixtures::{self, NOW},
    };

    #[test]
    fn only_fields_that_changed_are_named() {
        let before = fixtures::key();
        let after = KeyRecord { name: "New".into(), version: 2, updated_at: NOW, ..before.clone() };
        let changes = of_key(Some(&before.view(NOW)), Some(&after.view(NOW)));
        assert_eq!(json!(changes), json!({"name": {"from": "Zapier production", "to": "New"}}));
    }

    #[test]
    fn a_creation_names_what_was_set() {
        let changes = of_key(None::<&Value>, Some(&fixtures::key().view(NOW)));
        assert_eq!(changes["permissions"], json!({"from": null, "to": ["leads:read"]}));
        assert!(!changes.contains_key("expires_at") && !json!(changes).to_string().contains("digest"));
    }

    #[test]
    fn a_policy_is_compared_member_by_member() {
        let before = fixtures::organization(json!({}));
        let after = fixtures::organization(json!({"deletion": true}));
        assert_eq!(json!(of_org(Some(&before), Some(&after))), json!({"policy/deletion": {"from": false, "to": true}}));
        let made = of_org(None::<&Value>, Some(&after));
        assert_eq!((&made["policy/deletion"], &made["name"]["to"]), (&json!({"from": null, "to": true}), &json!("Acme")));
    }
}
