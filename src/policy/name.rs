//! Names that people give: to an organization, a key, a member.

use crate::{
    base::document::{Faults, Field},
    token::format::contains_key,
};

const MAX_CHARS: usize = 100;

/// Reads a name: trimmed, then 1 to 100 characters, none of them a control character.
pub fn read(field: &Field<'_>, faults: &mut Faults) -> Option<String> {
    let name = field.text(faults)?.trim();
    let problem = match name.chars().count() {
        0 => "must not be empty",
        count if count > MAX_CHARS => "must be at most 100 characters",
        _ if name.chars().any(char::is_control) => "must not contain control characters",
        _ if contains_key(name) => "must not contain a key: names are shown and logged",
        _ => return Some(name.to_owned()),
    };
    faults.value(&field.pointer, problem);
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn name(text: &str) -> Option<String> {
        read(&Field::new(&Value::from(text), "/name"), &mut Faults::default())
    }

    #[test]
    fn a_name_that_holds_a_key_is_refused() {
        assert_eq!(name(&format!("old: {}", crate::testing::fixtures::credential())), None);
        assert!(name("sk_4fK2a9Qz_8d").is_some(), "its prefix may be shown");
    }

    #[test]
    fn names_are_trimmed_and_bounded_in_characters() {
        assert_eq!(name("  Zapier \u{2003}"), Some("Zapier".into()));
        assert_eq!(name(&"é".repeat(100)), Some("é".repeat(100)));
        assert_eq!(name(&"é".repeat(101)), None);
        assert_eq!(name("مفتاح <b>"), Some("مفتاح <b>".into()));
        for bad in ["", "   ", "a\nb", "a\u{0}b", "a\u{85}b"] {
            assert_eq!(name(bad), None, "{bad:?}");
        }
    }
}
