//! The credential of a request (RFC 6750, section 2.1; RFC 9110, section 11.6.2).

use crate::base::secret::Plaintext;

/// The three things that the `Authorization` field can say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presented {
    /// Nothing: the caller did not try.
    Nothing,
    /// A Bearer token.
    Bearer(Plaintext),
    /// Something that is not exactly one Bearer token.
    Unreadable(Unreadable),
}

/// Why a field is not exactly one Bearer token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Another scheme, such as Basic.
    #[error("the Authorization field must use the Bearer scheme")]
    OtherScheme,
    /// A scheme without a token, or a token with characters that no token has.
    #[error("the Authorization field must be: Bearer, a space, and one token")]
    NotAToken,
    /// Two fields, which HTTP joins with a comma, or two tokens in one.
    #[error("the request carries more than one credential; send exactly one")]
    SeveralCredentials,
}

/// Reads the `Authorization` field. Repeated fields reach a worker joined by `, `.
#[must_use]
pub fn read(authorization: Option<&str>) -> Presented {
    let Some(field) = authorization.map(|field| field.trim_matches([' ', '\t'])) else { return Presented::Nothing };
    if field.is_empty() {
        return Presented::Nothing;
    }
    let (scheme, rest) = field.split_once([' ', '\t']).unwrap_or((field, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        let several = field.contains(',') && field.split(',').any(|part| is_bearer(part.trim()));
        return Presented::Unreadable(if several { Unreadable::SeveralCredentials } else { Unreadable::OtherScheme });
    }
    let token = rest.trim_matches([' ', '\t']);
    if token.contains(',') && token.split(',').skip(1).any(|part| !part.trim().is_empty()) {
        return Presented::Unreadable(Unreadable::SeveralCredentials);
    }
    if is_token68(token) { Presented::Bearer(Plaintext::new(token.to_owned())) } else { Presented::Unreadable(Unreadable::NotAToken) }
}

fn is_bearer(part: &str) -> bool {
    part.split([' ', '\t']).next().is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer"))
}

/// `b64token` of RFC 6750: `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`.
fn is_token68(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_nothing_one_token_or_unreadable() {
        let bearer = |token: &str| Presented::Bearer(Plaintext::new(token.into()));
        for (field, expected) in [
            (None, Presented::Nothing),
            (Some("  "), Presented::Nothing),
            (Some("Bearer sk_a"), bearer("sk_a")),
            (Some("bEARER \t sk_a "), bearer("sk_a")),
            (Some("Bearer a.b-c~d+e/f=="), bearer("a.b-c~d+e/f==")),
            (Some("Basic abc"), Presented::Unreadable(Unreadable::OtherScheme)),
            (Some("Bearer"), Presented::Unreadable(Unreadable::NotAToken)),
            (Some("Bearer a b"), Presented::Unreadable(Unreadable::NotAToken)),
            (Some("Bearer ключ"), Presented::Unreadable(Unreadable::NotAToken)),
            (Some("Bearer a, Bearer b"), Presented::Unreadable(Unreadable::SeveralCredentials)),
            (Some("Bearer a, b"), Presented::Unreadable(Unreadable::SeveralCredentials)),
            (Some("Basic abc, Bearer b"), Presented::Unreadable(Unreadable::SeveralCredentials)),
        ] {
            assert_eq!(read(field), expected, "{field:?}");
        }
    }
}
