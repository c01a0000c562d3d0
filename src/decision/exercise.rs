//! Which permissions an admitted request made use of.

use super::facts::Ask;
use crate::policy::{
    org::Organization,
    scope::{Permission, Requirement},
};

/// Tells each permission that the request asked for and the key holds: of alternatives every one, because each would have
/// done. What is granted beyond is not needed.
pub fn exercised(ask: &Ask, organization: &Organization, granted: &[Permission], tell: &mut dyn FnMut(&Permission)) {
    let mut tell_granted = |permission: &Permission| {
        // The one that was granted: it is there for longer than the request.
        if let Some(granted) = granted.iter().find(|granted| *granted == permission) {
            tell(granted);
        }
    };
    each(&ask.requirement, &mut tell_granted);
    let Some(target) = &ask.target else { return };
    for path in &target.paths {
        for method in &target.methods {
            organization.policy.permission_for(method, path).iter().for_each(&mut tell_granted);
        }
    }
}

fn each(requirement: &Requirement, tell: &mut dyn FnMut(&Permission)) {
    match requirement {
        Requirement::One(permission) => tell(permission),
        Requirement::All(parts) | Requirement::Any(parts) => parts.iter().for_each(|part| each(part, tell)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{decision::facts::Target, testing::fixtures};

    fn told(ask: &Ask) -> Vec<String> {
        let organization = fixtures::organization(json!({"routes": [{"path": "/v1/leads/*", "resource": "leads"}]}));
        let granted = ["leads:read", "leads:update"].map(|text| Permission::parse(text).unwrap());
        let mut told = Vec::new();
        exercised(ask, &organization, &granted, &mut |permission| told.push(permission.to_string()));
        told
    }

    fn one(text: &str) -> Requirement {
        Requirement::One(Permission::parse(text).unwrap())
    }

    #[test]
    fn what_was_asked_for_and_is_held_was_used_and_nothing_else() {
        let requirement = Requirement::Any(vec![one("leads:delete"), Requirement::All(vec![one("leads:read")])]);
        assert_eq!(told(&Ask { requirement, ..Ask::plain() }), ["leads:read"]);
        assert_eq!(told(&Ask::plain()), <[String; 0]>::default());
    }

    #[test]
    fn what_the_routes_ask_for_was_used() {
        let target = Target { methods: vec!["PATCH".to_owned()], paths: vec!["/v1/leads/7".to_owned()], is_free_without_routes: true };
        assert_eq!(told(&Ask { target: Some(target), ..Ask::plain() }), ["leads:update"]);
    }
}
