//! The four documents themselves, without a worker.

use std::collections::BTreeMap;

use latchkey::{
    base::document::{Faults, Field},
    policy::rules::Policy,
};
use serde_json::Value;

use crate::story::{PROFILES, profile};

fn read(name: &str) -> (Value, Policy) {
    let document = profile(name);
    let mut faults = Faults::default();
    let policy = Policy::read(&Field::new(&document, "/policy"), &mut faults);
    let policy = faults.conclude(policy).unwrap_or_else(|faults| panic!("{name}: {faults:?}"));
    (document, policy)
}

#[test]
fn a_profile_is_valid_and_writes_out_every_member() {
    for name in PROFILES {
        let (document, policy) = read(name);
        assert_eq!(serde_json::to_value(&policy).unwrap(), document, "{name} leaves nothing to a default");
        let again = Policy::read(&Field::new(&document, ""), &mut Faults::default());
        assert_eq!(again, Some(policy), "{name}");
    }
}

#[test]
fn every_resource_tells_people_what_it_is() {
    for name in PROFILES {
        for resource in profile(name)["resources"].as_array().unwrap() {
            let said = |member: &str| resource[member].as_str().is_some_and(|said| !said.is_empty());
            assert!(said("title") && said("description"), "{name}: {resource}");
        }
    }
}

#[test]
fn profiles_differ_in_how_their_keys_look() {
    let prefixes: BTreeMap<String, &str> = PROFILES.iter().map(|name| (read(name).1.key_prefix.as_str().to_owned(), *name)).collect();
    assert_eq!(prefixes.len(), PROFILES.len(), "{prefixes:?}");
    assert_eq!((prefixes["rak_live"], prefixes["sk"]), ("field-service", "leads-api"));
}

#[test]
fn only_the_roles_of_the_table_manage_keys() {
    for (name, manages, does_not) in [
        ("field-service", &["owner"][..], &["admin", "dispatcher", "technician", "nobody"][..]),
        ("automation", &["admin"], &["owner", "developer", "member"]),
        ("leads-api", &["owner", "developer"], &["admin", "member"]),
        ("voice-agents", &["owner", "member"], &["nobody"]),
    ] {
        let roles = read(name).1.roles;
        for (role, may) in manages.iter().map(|role| (role, true)).chain(does_not.iter().map(|role| (role, false))) {
            assert_eq!(roles.allow(role, "keys:write"), may, "{name}: {role}");
        }
    }
    let field_service = read("field-service").1.roles;
    for role in ["admin", "dispatcher", "technician"] {
        assert!(field_service.allow(role, "keys:read"), "{role} sees the list");
    }
}

#[test]
fn every_route_reaches_only_actions_that_exist_or_none() {
    for name in PROFILES {
        let (_, policy) = read(name);
        for route in policy.routes.list() {
            let resource = policy.resources.resource(&route.resource).expect("a known resource");
            let reached = policy.method_actions.values().filter(|action| resource.actions.contains(action)).count();
            assert!(reached > 0, "{name}: no method does anything at {}", route.path);
        }
    }
}
