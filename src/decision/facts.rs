//! What is known of the key, and what is asked of it.

use std::net::IpAddr;

use crate::{
    key::record::{KeyRecord, SecretRecord},
    policy::{org::Organization, scope::Requirement},
    token::format::without_keys,
};

/// The newest records that are known.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The key.
    pub key: &'a KeyRecord,
    /// The secret of it that was presented.
    pub secret: &'a SecretRecord,
    /// Its organization.
    pub organization: &'a Organization,
}

/// What a request asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What it needs.
    pub requirement: Requirement,
    /// What the routes of the organization are asked about, if they are to say what else it needs.
    pub target: Option<Target>,
    /// Where it comes from, if known.
    pub ip: Option<IpAddr>,
    /// The user it wants to act for.
    pub act_as: Option<String>,
    /// How many tokens it costs, at least 1.
    pub cost: u32,
    /// Whether it only looks: nothing is spent, nothing counted.
    pub peek: bool,
    /// What it is, for the record. It decides nothing.
    pub line: RequestLine,
}

/// What a request is sent to. Who passes a request on may tell it twice, and one of both may be the client's own word: then
/// what each method needs at each path is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its methods, as they are told.
    pub methods: Vec<String>,
    /// Its paths, as they are told, perhaps with a query.
    pub paths: Vec<String>,
    /// Whether an organization without any routes asks for nothing; else nothing may pass there.
    pub is_free_without_routes: bool,
}

/// Method and path of a request, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestLine {
    /// The method.
    pub method: Option<String>,
    /// The path, without the query: a query may hold secrets.
    pub path: Option<String>,
}

const MAX_METHOD_CHARS: usize = 20;
/// What a path is cut to.
pub const MAX_PATH_CHARS: usize = 300;

impl RequestLine {
    /// Of a method and a target, as somebody sends them (RFC 9112, section 3): cut to a size that can be kept, keys in it
    /// replaced.
    #[must_use]
    pub fn of(method: Option<&str>, target: Option<&str>) -> Self {
        let path = target.map(|target| target.split(['?', '#']).next().unwrap_or_default());
        // In absolute form the authority may hold a password.
        let path = path.map(|path| match path.split_once("://") {
            Some((scheme, rest)) if !scheme.contains('/') => rest.find('/').and_then(|start| rest.get(start..)).unwrap_or("/"),
            _ => path,
        });
        Self {
            method: method.map(|method| method.chars().take(MAX_METHOD_CHARS).collect()),
            path: path.map(|path| without_keys(path).chars().take(MAX_PATH_CHARS).collect()),
        }
    }
}

impl Ask {
    /// A request that needs nothing but a good key.
    #[must_use]
    pub fn plain() -> Self {
        Self {
            requirement: Requirement::nothing(),
            target: None,
            ip: None,
            act_as: None,
            cost: 1,
            peek: false,
            line: RequestLine::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixtures;

    #[test]
    fn what_is_kept_of_a_request_has_no_query_no_key_and_no_great_length() {
        let credential = fixtures::credential();
        let line = RequestLine::of(Some(&"X".repeat(1000)), Some(&format!("/leads/{credential}/é?token=1#2")));
        assert_eq!(line, RequestLine { method: Some("X".repeat(20)), path: Some("/leads/[key]/é".to_owned()) });
        assert_eq!(RequestLine::of(None, Some(&"é".repeat(1000))).path.unwrap().chars().count(), 300);
        assert_eq!(RequestLine::of(None, None), RequestLine::default());
        for (target, path) in
            [("https://ada:pass@example.com/a/b?c", "/a/b"), ("http://ada:pass@example.com", "/"), ("/to/http://x/y", "/to/http://x/y")]
        {
            assert_eq!(RequestLine::of(None, Some(target)).path.as_deref(), Some(path));
        }
    }
}
