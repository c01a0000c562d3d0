//! `ETag` and `If-Match` (RFC 9110, sections 8.8.3 and 13.1.1).

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
    }
}
