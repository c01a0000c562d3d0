//! Permissions and what a request may require of them.
//!
//! A permission is `resource:action`, or one word where it stands for a whole capability. No permission includes
//! another: write never includes read.

use std::rc::Rc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::document::{Faults, Field};

const MAX_WORD_CHARS: usize = 50;
const MAX_DEPTH: usize = 4;
const MAX_TERMS: usize = 100;

/// One permission, such as `leads:read`. Copies share its text: what is granted is told with each decision.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Permission(Rc<str>);

impl Permission {
    /// The permission to do `action` with `resource`.
    #[must_use]
    pub fn of(resource: &str, action: &str) -> Self {
        Self(format!("{resource}:{action}").into())
    }

    /// The permission that is a whole capability, without an action.
    #[must_use]
    pub fn capability(name: &str) -> Self {
        Self(name.into())
    }

    /// Reads `word` or `word:word`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (resource, action) = text.split_once(':').map_or((text, None), |(resource, action)| (resource, Some(action)));
        (is_word(resource) && action.is_none_or(is_word)).then(|| Self(text.into()))
    }

    /// Resource and action, where it has both.
    #[must_use]
    pub fn parts(&self) -> Option<(&str, &str)> {
        self.0.split_once(':')
    }

    /// The permission as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Permission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A word of a permission: `[a-z][a-z0-9_-]*`, up to 50 characters.
fn is_word(text: &str) -> bool {
    text.len() <= MAX_WORD_CHARS
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

/// Reads the name of a resource or an action.
pub fn read_word(field: &Field<'_>, faults: &mut Faults) -> Option<String> {
    let text = field.text(faults)?;
    if is_word(text) {
        return Some(text.to_owned());
    }
    faults.value(&field.pointer, "must be 1 to 50 lower-case letters, digits, _ or -, starting with a letter");
    None
}

/// Reads one permission, whether or not it exists anywhere.
pub fn read_permission(field: &Field<'_>, faults: &mut Faults) -> Option<Permission> {
    let permission = Permission::parse(field.text(faults)?);
    if permission.is_none() {
        faults.value(&field.pointer, "must be a permission such as leads:read");
    }
    permission
}

/// What a request needs: one permission, all or any of several requirements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// This permission.
    One(Permission),
    /// Every one of these; none at all needs nothing.
    All(Vec<Requirement>),
    /// At least one of these.
    Any(Vec<Requirement>),
}

impl Requirement {
    /// A requirement that everybody meets.
    #[must_use]
    pub fn nothing() -> Self {
        Self::All(Vec::new())
    }

    /// Reads a permission, a list of them (all), or `{"any": […]}` / `{"all": […]}`, nested up to 4 deep.
    pub fn read(field: &Field<'_>, faults: &mut Faults) -> Option<Self> {
        let mut terms = 0;
        let requirement = read_at_depth(field, 1, &mut terms, faults);
        if terms > MAX_TERMS {
            faults.value(&field.pointer, format!("must name at most {MAX_TERMS} permissions"));
        }
        requirement
    }

    /// The permissions that stand between `granted` and this requirement; empty when it is met. Of alternatives, none
    /// of which is met, all are named.
    #[must_use]
    pub fn missing(&self, granted: &dyn Fn(&Permission) -> bool) -> Vec<Permission> {
        let mut missing = match self {
            Self::One(permission) if granted(permission) => Vec::new(),
            Self::One(permission) => vec![permission.clone()],
            Self::All(parts) => parts.iter().flat_map(|part| part.missing(granted)).collect(),
            Self::Any(parts) => {
                let missing: Vec<_> = parts.iter().map(|part| part.missing(granted)).collect();
                if missing.iter().any(Vec::is_empty) { Vec::new() } else { missing.concat() }
            }
        };
        missing.sort_unstable();
        missing.dedup();
        missing
    }
}

fn read_at_depth(field: &Field<'_>, depth: usize, terms: &mut usize, faults: &mut Faults) -> Option<Requirement> {
    match field.value {
        Value::String(_) => {
            *terms += 1;
            read_permission(field, faults).map(Requirement::One)
        }
        Value::Array(_) | Value::Object(_) if depth > MAX_DEPTH => {
            faults.value(&field.pointer, format!("must be nested at most {MAX_DEPTH} deep"));
            None
        }
        Value::Array(_) => read_parts(field, depth, terms, faults).map(Requirement::All),
        Value::Object(_) => {
            let mut members = field.object(faults)?;
            let (any, all) = (members.optional("any"), members.optional("all"));
            members.close(faults);
            match (any, all) {
                (Some(parts), None) => {
                    let any = read_parts(&parts, depth, terms, faults)?;
                    if parts.value.as_array().is_some_and(Vec::is_empty) {
                        faults.value(&parts.pointer, "must not be empty: no key could meet it");
                    }
                    Some(Requirement::Any(any))
                }
                (None, Some(parts)) => read_parts(&parts, depth, terms, faults).map(Requirement::All),
                // Its unknown members were named above.
                (None, None) if field.value != &Value::Object(serde_json::Map::new()) => None,
                _ => {
                    faults.value(&field.pointer, "must have exactly one member, any or all");
                    None
                }
            }
        }
        _ => {
            faults.shape(&field.pointer, "must be a permission, a list, or an object with any or all");
            None
        }
    }
}

fn read_parts(field: &Field<'_>, depth: usize, terms: &mut usize, faults: &mut Faults) -> Option<Vec<Requirement>> {
    let items = field.list(faults)?;
    Some(items.iter().filter_map(|item| read_at_depth(item, depth + 1, terms, faults)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Result<Requirement, Vec<crate::base::document::Fault>> {
        let mut faults = Faults::default();
        let requirement = Requirement::read(&Field::new(&value, "/permissions"), &mut faults);
        faults.conclude(requirement)
    }

    fn missing(value: Value, granted: &[&str]) -> Vec<String> {
        let requirement = read(value).unwrap();
        requirement.missing(&|permission| granted.contains(&permission.as_str())).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn requirements_are_met_or_say_what_is_missing() {
        let none: Vec<String> = Vec::new();
        for (requirement, granted, expected) in [
            (json!("a:r"), vec!["a:r"], vec![]),
            (json!("a:r"), vec!["a:w"], vec!["a:r"]),
            (json!([]), vec![], vec![]),
            (json!(["a:r", "b:r"]), vec!["b:r"], vec!["a:r"]),
            (json!({"any": ["a:r", "b:r"]}), vec!["b:r"], vec![]),
            (json!({"any": ["b:r", "a:r"]}), vec![], vec!["a:r", "b:r"]),
            (json!({"all": ["a:r", {"any": ["b:r", {"all": ["c:r", "d:r"]}]}]}), vec!["a:r", "c:r", "d:r"], vec![]),
            (json!({"all": ["a:r", {"any": ["b:r", {"all": ["c:r", "d:r"]}]}]}), vec!["a:r", "c:r"], vec!["b:r", "d:r"]),
        ] {
            assert_eq!(missing(requirement.clone(), &granted), expected, "{requirement}");
        }
        assert_eq!(missing(json!("a:write"), &["a:write", "a:read"]), none, "write is met by write alone");
        assert_eq!(missing(json!("a:read"), &["a:write"]), ["a:read"], "write never includes read");
    }

    #[test]
    fn bad_requirements_are_refused_where_they_stand() {
        for (value, pointer) in [
            (json!("Leads:read"), "/permissions"),
            (json!("a:b:c"), "/permissions"),
            (json!(["a:r", ""]), "/permissions/1"),
            (json!({"any": []}), "/permissions/any"),
            (json!({"any": ["a"], "all": ["b"]}), "/permissions"),
            (json!({"none": ["a"]}), "/permissions/none"),
            (json!(5), "/permissions"),
            (json!({"any": [{"any": [{"any": [{"any": [{"any": ["a"]}]}]}]}]}), "/permissions/any/0/any/0/any/0/any/0"),
        ] {
            let faults = read(value.clone()).unwrap_err();
            assert_eq!(faults.iter().map(|fault| fault.pointer.as_str()).collect::<Vec<_>>(), [pointer], "{value}");
        }
        assert!(read(json!({"any": [{"any": [{"any": [{"any": ["a"]}]}]}]})).is_ok(), "four deep is allowed");
        assert!(read(json!([[[["a"]]]])).is_ok() && read(json!([[[[["a"]]]]])).is_err(), "lists count too");
    }
}
