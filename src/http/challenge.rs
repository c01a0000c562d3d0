//! The `WWW-Authenticate` challenge (RFC 6750, section 3).

use crate::policy::scope::Permission;

/// Why a request is challenged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// No credential was presented: no error is named.
    NoCredential,
    /// The request carries several credentials, or an unreadable one.
    InvalidRequest(String),
    /// The credential is not good.
    InvalidToken(String),
    /// The credential lacks these permissions.
    InsufficientScope(Vec<Permission>),
}

impl Challenge {
    /// The field's value. Each parameter stands once.
    #[must_use]
    pub fn to_field(&self) -> String {
        let realm = "Bearer realm=\"latchkey\"";
        match self {
            Self::NoCredential => realm.to_owned(),
            Self::InvalidRequest(why) => format!("{realm}, error=\"invalid_request\", error_description=\"{}\"", printable(why)),
            Self::InvalidToken(why) => format!("{realm}, error=\"invalid_token\", error_description=\"{}\"", printable(why)),
            Self::InsufficientScope(missing) => {
                let scope: Vec<&str> = missing.iter().map(Permission::as_str).collect();
                format!("{realm}, error=\"insufficient_scope\", scope=\"{}\"", scope.join(" "))
            }
        }
    }
}

/// Only what a description may hold: `%x20-21 / %x23-5B / %x5D-7E`.
fn printable(text: &str) -> String {
    text.chars().filter(|char| matches!(char, ' ' | '!' | '#'..='[' | ']'..='~')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_those_of_rfc_6750() {
        assert_eq!(Challenge::NoCredential.to_field(), "Bearer realm=\"latchkey\"");
        assert_eq!(
            Challenge::InvalidToken("a \"b\" \\ c\u{e9}\n".into()).to_field(),
            "Bearer realm=\"latchkey\", error=\"invalid_token\", error_description=\"a b  c\""
        );
        let missing = vec![Permission::of("leads", "read"), Permission::of("leads", "update")];
        assert_eq!(
            Challenge::InsufficientScope(missing).to_field(),
            "Bearer realm=\"latchkey\", error=\"insufficient_scope\", scope=\"leads:read leads:update\""
        );
    }
}
