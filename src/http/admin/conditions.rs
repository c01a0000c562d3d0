//! `ETag`, `If-Match` and `If-None-Match` (RFC 9110, sections 8.8.3, 13.1.1 and 13.1.2).

use crate::http::{call::Call, reply::Reply};

/// The entity tag of a version.
#[must_use]
pub fn etag(version: u64) -> String {
    format!("\"{version}\"")
}

/// The versions that `If-Match` allows; `None` when any will do. Weak tags never match, nor does what is not a version.
#[must_use]
pub fn if_match(field: Option<&str>) -> Option<Vec<u64>> {
    let field = field?.trim();
    if field == "*" {
        return None;
    }
    let version = |tag: &str| tag.trim().strip_prefix('"')?.strip_suffix('"')?.parse().ok();
    Some(field.split(',').filter_map(version).collect())
}

/// Whether the caller has this version already. Weak tags match too: the version is all that is compared.
#[must_use]
pub fn if_none_match(field: Option<&str>, version: u64) -> bool {
    is_known(field, &etag(version))
}

/// Whether `If-None-Match` has that tag.
#[must_use]
pub fn is_known(field: Option<&str>, tag: &str) -> bool {
    field.is_some_and(|field| field.trim() == "*" || field.split(',').any(|known| known.trim().trim_start_matches("W/") == tag))
}

/// The versions that a change may be made on. A change of something that is there never meets `If-None-Match: *`.
#[must_use]
pub fn versions(call: &Call<'_>) -> Option<Vec<u64>> {
    if call.inbound.header("if-none-match").is_some_and(|field| field.trim() == "*") {
        return Some(Vec::new());
    }
    if_match(call.inbound.header("if-match").as_deref())
}

/// The answer to a read of that version: 304 without a body for who has it already.
#[must_use]
pub fn unless_known(call: &Call<'_>, version: u64, reply: Reply) -> Reply {
    let known = if_none_match(call.inbound.header("if-none-match").as_deref(), version);
    if known { Reply::empty(304) } else { reply }.with("ETag", etag(version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_versions() {
        assert_eq!(if_match(None), None);
        assert_eq!(if_match(Some("*")), None);
        assert_eq!(if_match(Some(&etag(3))), Some(vec![3]));
        assert_eq!(if_match(Some("\"3\", \"4\"")), Some(vec![3, 4]));
        assert_eq!(if_match(Some("W/\"3\"")), Some(vec![]));
        assert_eq!(if_match(Some("3")), Some(vec![]));
        for (field, known) in [("*", true), ("\"3\"", true), ("W/\"3\", \"9\"", true), ("\"4\"", false), ("3", false)] {
            assert_eq!(if_none_match(Some(field), 3), known, "{field}");
        }
        assert!(!if_none_match(None, 3));
    }
}
