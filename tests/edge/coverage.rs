//! What holds of every route, read from the route table: a route cannot exist without it.

use crate::{
    given,
    given::{Key, Org},
    portal,
    runtime::shared,
};
use latchkey::http::route_table::{Caller, Methods, Operation, ROUTES, Route};
use serde_json::{Value, json};

/// What a route can be about, beside an organization.
pub struct Target {
    pub key: Key,
    pub session: String,
}

impl Target {
    /// A key and a portal session of the organization.
    pub fn of(org: &Org<'_>) -> Self {
        Self { key: org.key(json!({})), session: portal::ask(org, "owner").id }
    }

    /// A key and a portal session that no organization has.
    pub fn unknown() -> Self {
        let key = Key { id: "key_01q9gd6e000w3ge1r70w3ge1r7".to_owned(), secret: String::new(), record: Value::Null };
        Self { key, session: "prt_01q9gd6e000w3ge1r70w3ge1r7".to_owned() }
    }
}

/// A method that the route takes.
pub fn method(route: &Route) -> &'static str {
    match route.methods {
        Methods::One(method) => method,
        Methods::Any => "GET",
    }
}

/// The route's path, about that.
pub fn path(route: &Route, org: &str, target: &Target) -> String {
    let path = route.path.replace("{org}", org).replace("{key}", &target.key.id).replace("{session}", &target.session);
    path.replace("{slug}", "REVOKED").replace("{link}", "0123456789012345678901")
}

#[test]
fn every_controlled_route_refuses_whoever_has_no_or_a_bad_token() {
    let edge = shared().edge();
    let org = given::org(edge, json!({}));
    let (target, nothing) = (Target::of(&org), Target::unknown());
    let key = &target.key;
    for route in ROUTES.iter().filter(|route| matches!(route.caller, Caller::With(_) | Caller::Operator)) {
        for (authorization, status, code, challenge) in [
            (None, 401, "UNAUTHENTICATED", "Bearer realm=\"latchkey\""),
            (Some("Basic dXNlcjpwYXNz"), 401, "UNAUTHENTICATED", "Bearer realm=\"latchkey\""),
            (Some("Bearer wrong"), 401, "INVALID_TOKEN", "error=\"invalid_token\""),
            (Some(key.secret.as_str()), 401, "UNAUTHENTICATED", "Bearer realm=\"latchkey\""),
            (Some("Bearer a, Bearer b"), 400, "MALFORMED_REQUEST", "error=\"invalid_request\""),
        ] {
            // The thing exists and the thing does not: the refusal is the same.
            for (org_id, target) in [(org.id.as_str(), &target), ("org_x", &nothing)] {
                let headers: Vec<(&str, &str)> = authorization.iter().map(|value| ("authorization", *value)).collect();
                let answer = edge.send(method(route), &path(route, org_id, target), &headers, None);
                let problem = answer.value();
                assert_eq!((answer.status, &problem["code"]), (status, &json!(code)), "{} {authorization:?}", route.operation.id());
                assert!(answer.header("www-authenticate").unwrap().contains(challenge));
                assert!(!answer.text().contains("wrong"), "the token is not echoed");
            }
        }
    }
    assert_eq!(org.read(key).value()["status"], "active", "nothing was done");
}

/// What brings a key into the state that the route needs, and the route's body. A new route cannot do without.
pub fn prepared(route: &Route, org: &Org<'_>, target: &Target) -> Option<Value> {
    let key = &target.key;
    match route.operation {
        Operation::CreateOrg | Operation::UpdateOrg | Operation::CreateKey | Operation::UpdateKey => Some(json!({"name": "New"})),
        Operation::RotateKey => Some(json!({"overlap_seconds": 60})),
        Operation::ImportKeys => {
            let hash = format!("sha256:{}", latchkey::token::digest::Digest::of(&key.id).hex());
            Some(json!({"keys": [{"name": "Old", "hash": hash, "prefix": "old_"}]}))
        }
        Operation::ReactivateKey => {
            assert_eq!(org.revoke(key).status, 200);
            None
        }
        Operation::CompleteRotation => {
            let rotate = org.path(&format!("/keys/{}/rotate", key.id));
            assert_eq!(org.edge.operator("POST", &rotate, Some(&json!({"overlap_seconds": 60}))).status, 200);
            None
        }
        Operation::CreatePortalSession => Some(json!({"user": {"id": "ada"}, "role": "owner"})),
        Operation::UpdatePortalSession => Some(json!({"role": "member"})),
        Operation::CreateServiceKey => Some(json!({"name": "Backend", "permissions": ["verify"]})),
        Operation::UploadOrgOpenapi => Some(json!({"openapi": "3.1.0"})),
        Operation::DeleteOrgOpenapi => {
            assert_eq!(org.edge.operator("PUT", &org.path("/openapi"), Some(&json!({"openapi": "3.1.0"}))).status, 201);
            None
        }
        Operation::RevokePlaygroundKey => None,
        Operation::RevokeKey | Operation::DeleteKey | Operation::CreatePlaygroundKey | Operation::EndPortalSession => None,
        Operation::VerifyKey => Some(json!({"key": key.secret})),
        Operation::VerifyKeys => Some(json!({"requests": [{"key": key.secret}]})),
        other if route.audit.is_none() => {
            assert!(method(route) == "GET", "{}: say here what its body is", other.id());
            None
        }
        other => panic!("{} changes something: say here what it needs", other.id()),
    }
}

#[test]
fn every_changing_route_leaves_exactly_one_audit_entry() {
    let edge = shared().edge();
    let everything = json!({"revocation": "reversible", "deletion": true, "playground": {"enabled": true}});
    // Links, portal sessions and pages are nothing that an operator token opens: tests/edge/portal.rs and pages.rs tell
    // what they leave.
    let of_api = |route: &&Route| matches!(route.caller, Caller::With(_) | Caller::Operator);
    for route in ROUTES.iter().filter(|route| route.audit.is_some() && of_api(route)) {
        let org = given::org(edge, everything.clone());
        let mut target = Target::of(&org);
        if route.operation == Operation::RevokePlaygroundKey {
            let made = edge.operator("POST", &org.path("/playground-keys"), None).value();
            target.key.id = given::text(&made["key"]["id"]);
        }
        let body = prepared(route, &org, &target);
        let before = org.audit().len();
        let answer = edge.operator(method(route), &path(route, &org.id, &target), body.as_ref());
        assert!(answer.status < 300, "{}: {}", route.operation.id(), answer.text());
        // An organization's entries stand in its own log.
        let (log, expected) = match route.operation {
            Operation::CreateOrg => (Org { edge, id: given::text(&answer.value()["id"]) }.audit(), 1),
            // The organization of service keys is everybody's: others add to its log meanwhile.
            Operation::CreateServiceKey => (Org { edge, id: "org_system".to_owned() }.audit_of(&answer.value()["key"]["id"]), 1),
            _ => (org.audit(), before + 1),
        };
        assert_eq!(log.len(), expected, "{}", route.operation.id());
        assert_eq!(log[0]["action"], serde_json::to_value(route.audit).unwrap());
        assert_eq!(log[0]["request_id"].as_str(), answer.header("x-request-id"));
        assert_eq!(log[0]["actor"], json!({"type": "operator", "id": "operator", "name": "Operator"}));
    }
}

#[test]
fn every_answer_carries_a_request_id_and_is_not_stored() {
    let edge = shared().edge();
    for route in ROUTES {
        let answer = edge.send(method(route), &path(route, "org_x", &Target::unknown()), &[], None);
        assert!(answer.header("x-request-id").is_some_and(|id| id.starts_with("req_")), "{}", route.operation.id());
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{}", route.operation.id());
    }
}

#[test]
fn every_route_and_every_problem_is_documented() {
    let docs = include_str!("../../docs/api.md");
    for route in ROUTES {
        let method = match route.methods {
            Methods::One(method) => method,
            Methods::Any => "ANY",
        };
        assert!(docs.contains(&format!("{method} {}", route.path)), "docs/api.md lacks {method} {}", route.path);
        assert!(docs.contains(route.operation.id()), "docs/api.md lacks {}", route.operation.id());
    }
    for kind in latchkey::http::problem_catalog::ALL {
        assert!(docs.contains(kind.code()), "docs/api.md lacks {}", kind.code());
    }
}

#[test]
fn a_problem_names_its_own_status() {
    let problem: Value = shared().edge().get("/nowhere").value();
    assert_eq!(problem["status"], 404);
}
