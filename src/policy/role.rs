//! What the roles of an organization's members may do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::document::{Faults, Field};

/// What a role may be given; `*` is everything, `keys:*` is both `keys:` grants.
pub const GRANTS: &[&str] = &["*", "keys:*", "keys:read", "keys:write", "audit:read", "usage:read", "playground:use"];

const MAX_ROLES: usize = 50;
const MAX_ROLE_CHARS: usize = 50;

/// Role name → grants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Roles(BTreeMap<String, Vec<String>>);

impl Default for Roles {
    fn default() -> Self {
        let mut roles = BTreeMap::new();
        let mut role = |name: &str, grants: &[&str]| roles.insert(name.to_owned(), grants.iter().map(ToString::to_string).collect());
        role("owner", &["*"]);
        role("admin", &["keys:*", "audit:read", "usage:read", "playground:use"]);
        role("developer", &["keys:*", "usage:read", "playground:use"]);
        role("member", &["keys:read"]);
        Self(roles)
    }
}

impl Roles {
    /// Whether there is such a role.
    #[must_use]
    pub fn has(&self, role: &str) -> bool {
        self.0.contains_key(role)
    }

    /// The roles by name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether a member of that role may do what needs `grant`.
    #[must_use]
    pub fn allow(&self, role: &str, grant: &str) -> bool {
        self.0.get(role).is_some_and(|grants| grants.iter().any(|held| covers(held, grant)))
    }

    /// Reads role names with their grants. A policy in which nobody could manage keys would lock every member out.
    pub fn read(field: &Field<'_>, faults: &mut Faults) -> Option<Self> {
        let members = field.map(faults)?;
        if members.len() > MAX_ROLES {
            faults.value(&field.pointer, format!("must hold at most {MAX_ROLES} roles"));
        }
        let mut roles = BTreeMap::new();
        for (name, grants) in members {
            if name.is_empty() || name.chars().count() > MAX_ROLE_CHARS || name.chars().any(char::is_control) {
                faults.value(&grants.pointer, format!("must have a name of 1 to {MAX_ROLE_CHARS} characters"));
            }
            roles.insert(name.to_owned(), read_grants(&grants, faults)?);
        }
        let roles = Self(roles);
        if !roles.0.keys().any(|role| roles.allow(role, "keys:write")) {
            faults.value(&field.pointer, "must leave at least one role that may manage keys (keys:write, keys:* or *)");
        }
        Some(roles)
    }
}

fn read_grants(field: &Field<'_>, faults: &mut Faults) -> Option<Vec<String>> {
    let mut grants = Vec::new();
    for item in field.list(faults)? {
        let grant = item.text(faults)?;
        if GRANTS.contains(&grant) {
            grants.push(grant.to_owned());
        } else {
            faults.value(&item.pointer, format!("must be one of {}", GRANTS.join(", ")));
        }
    }
    Some(grants)
}

fn covers(held: &str, grant: &str) -> bool {
    held == "*" || held == grant || held.strip_suffix('*').is_some_and(|start| grant.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(value: Value) -> Result<Roles, Vec<crate::base::document::Fault>> {
        let mut faults = Faults::default();
        let roles = Roles::read(&Field::new(&value, "/roles"), &mut faults);
        faults.conclude(roles)
    }

    #[test]
    fn default_roles_are_those_of_the_contract() {
        let roles = Roles::default();
        for (role, grant, allowed) in [
            ("owner", "keys:write", true),
            ("owner", "audit:read", true),
            ("developer", "keys:write", true),
            ("developer", "audit:read", false),
            ("member", "keys:read", true),
            ("member", "keys:write", false),
            ("nobody", "keys:read", false),
        ] {
            assert_eq!(roles.allow(role, grant), allowed, "{role} {grant}");
        }
    }

    #[test]
    fn a_policy_that_locks_everybody_out_is_refused() {
        assert!(read(json!({"owner": ["keys:write"]})).is_ok());
        for lockout in [json!({}), json!({"owner": []}), json!({"owner": ["keys:read", "audit:read"]}), json!({"owner": ["keys"]})] {
            assert!(read(lockout.clone()).is_err(), "{lockout}");
        }
    }
}
