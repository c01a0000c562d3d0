//! What is wrong with a form, told beside its fields.

use super::texts::find;
use crate::base::document::Fault;

/// Field → what is wrong with it.
#[derive(Default)]
pub struct FieldFaults(Vec<(String, String)>);

impl FieldFaults {
    /// The faults of the document that a form came to. What stands at `/ip_allowlist/1` is the second line of that field.
    #[must_use]
    pub fn of(faults: &[Fault]) -> Self {
        Self(faults.iter().map(|fault| said(&fault.pointer, &fault.detail)).collect())
    }

    /// What is wrong with that field; empty when nothing is.
    #[must_use]
    pub fn at(&self, field: &str) -> String {
        self.0.iter().filter(|(known, _)| known == field).map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// The attribute that marks a field with something wrong.
    #[must_use]
    pub fn invalid(&self, field: &str) -> &'static str {
        if self.0.iter().any(|(known, _)| known == field) { " aria-invalid=\"true\"" } else { "" }
    }

    /// What is wrong with what is none of these fields.
    #[must_use]
    pub fn beside(&self, shown: &[&str]) -> String {
        let others = self.0.iter().filter(|(known, _)| !shown.contains(&known.as_str()));
        others.map(|(field, text)| format!("{field} {text}")).collect::<Vec<_>>().join(" ").trim().to_owned()
    }
}

fn said(pointer: &str, detail: &str) -> (String, String) {
    let mut parts = pointer.split('/').skip(1);
    let field = parts.next().unwrap_or_default();
    let line = parts.next().and_then(|part| part.parse::<usize>().ok()).map(|index| format!("{}: ", index + 1));
    let words = find(&format!("fault.{field}: {detail}")).or_else(|| find(&format!("fault.{detail}"))).unwrap_or(detail);
    (field.to_owned(), format!("{}{words}", line.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::document::FaultKind;

    #[test]
    fn faults_stand_with_their_fields_in_the_words_of_the_console() {
        let fault = |pointer: &str, detail: &str| Fault { pointer: pointer.into(), detail: detail.into(), kind: FaultKind::Value };
        let faults = FieldFaults::of(&[
            fault("/name", "must not be empty"),
            fault("/ip_allowlist/1", "is odd"),
            fault("/rate_limit/limit", "is odd"),
            fault("", "is incomplete"),
        ]);
        assert_eq!(faults.at("name"), "Enter a name.");
        assert_eq!((faults.at("ip_allowlist").as_str(), faults.at("rate_limit").as_str()), ("2: is odd", "is odd"));
        assert_eq!(faults.beside(&["name", "ip_allowlist", "rate_limit"]), "is incomplete");
        assert!(faults.at("expires_at").is_empty());
    }
}
