//! What each permission lets a key do.

use askama::Template;

use super::{
    entrance::Visitor,
    texts::{find, t},
};
use crate::{
    http::reply::Reply,
    policy::{catalog::Resource, rules::Policy, scope::Permission},
};

struct Entry<'a> {
    resource: &'a Resource,
    /// The permission, what it does, and the methods that need it.
    permissions: Vec<(String, &'static str, String)>,
    paths: Vec<&'a str>,
}

#[derive(Template)]
#[template(path = "console/permissions.html")]
struct PermissionsPage<'a> {
    title: &'a str,
    entries: Vec<Entry<'a>>,
}

/// The catalog, explained.
#[must_use]
pub fn portal_permissions(visitor: &Visitor) -> Reply {
    let policy = visitor.policy();
    let title = policy.console.labels.permissions.as_str();
    let entries = policy.resources.resources().iter().map(|resource| entry(resource, policy)).collect();
    visitor.page(200, "/portal/permissions", title, None, &PermissionsPage { title, entries })
}

fn entry<'a>(resource: &'a Resource, policy: &'a Policy) -> Entry<'a> {
    let methods = |action: &str| {
        let methods = policy.method_actions.iter().filter(|(_, known)| *known == action).map(|(method, _)| method.as_str());
        methods.collect::<Vec<_>>().join(", ")
    };
    let paths: Vec<&str> =
        policy.routes.list().iter().filter(|route| route.resource == resource.name).map(|route| route.path.as_str()).collect();
    let does = |action: &str| find(&format!("does.{action}")).unwrap_or_default();
    let of_action = |action: &String| {
        let methods = if paths.is_empty() { String::new() } else { methods(action) };
        (Permission::of(&resource.name, action).to_string(), does(action), methods)
    };
    let mut permissions: Vec<_> = resource.actions.iter().map(of_action).collect();
    if permissions.is_empty() {
        permissions.push((resource.name.clone(), t("does.whole"), String::new()));
    }
    Entry { resource, permissions, paths }
}
