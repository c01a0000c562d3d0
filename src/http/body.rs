//! JSON bodies: type, size, syntax.

use serde_json::Value;

use super::{call::Call, problem::Problem, problem_catalog as catalog, route_table::Operation};
use crate::{base::strict_json, service::docs};

/// The longest body that a route of `/v1` takes, but for those that say otherwise.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// The longest body that an operation takes.
#[must_use]
pub fn limit(operation: Operation) -> usize {
    if operation == Operation::UploadOrgOpenapi { docs::MAX_DOCUMENT_BYTES } else { MAX_BODY_BYTES }
}

/// The body, which must be there.
///
/// # Errors
/// 413, 415, or 400 when it is not JSON.
pub fn json(call: &Call<'_>) -> Result<Value, Problem> {
    optional_json(call)?.ok_or_else(|| Problem::new(&catalog::MALFORMED_REQUEST, "a JSON body is needed"))
}

/// The body, if there is one.
///
/// # Errors
/// As [`json`].
pub fn optional_json(call: &Call<'_>) -> Result<Option<Value>, Problem> {
    let bytes = call.body.as_deref().map_err(|error| Problem::from(*error))?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let content_type = call.inbound.header("content-type").unwrap_or_default();
    if !is_json(&content_type) {
        return Err(Problem::new(&catalog::UNSUPPORTED_MEDIA_TYPE, "send the body with Content-Type: application/json")
            .with("Accept", "application/json"));
    }
    let syntax = |error: serde_json::Error| Problem::new(&catalog::MALFORMED_REQUEST, format!("the body is not JSON: {error}"));
    strict_json::read(bytes).map(Some).map_err(syntax)
}

/// `application/json` or a type built on it, in UTF-8 (RFC 8259, section 8.1).
fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(|part| part.trim().to_ascii_lowercase());
    let media_type = parts.next().unwrap_or_default();
    let known = media_type == "application/json" || (media_type.starts_with("application/") && media_type.ends_with("+json"));
    known
        && parts
            .all(|parameter| parameter.strip_prefix("charset=").is_none_or(|charset| matches!(charset.trim_matches('"'), "utf-8" | "utf8")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_in_utf_8_is_json() {
        for good in
            ["application/json", "Application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\"", "application/merge-patch+json"]
        {
            assert!(is_json(good), "{good}");
        }
        for bad in
            ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "text/json", "application/jsonp"]
        {
            assert!(!is_json(bad), "{bad}");
        }
    }
}
