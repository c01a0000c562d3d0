//! Every route × every kind of caller × its own and another organization × with and without what it needs.
//!
//! What each route needs is written down here once more, by hand: a mistake in the route table or in the grants does not
//! repeat itself. A route without a line here does not compile.

use latchkey::http::route_table::{Caller, Operation, ROUTES, Route};
use serde_json::{Value, json};

use crate::{
    client::{Edge, Response},
    coverage::{Target, method, path, prepared},
    given::{self, Org},
    portal, provider,
    runtime::OPERATOR_TOKEN,
    service_keys::service_key,
};

/// What each kind of caller needs for a route; `None` is that none of the kind may call it. For whom there is no line,
/// the route asks for no principal.
struct Needs {
    service: Option<&'static str>,
    role: Option<&'static str>,
    own_key: Option<&'static str>,
}

const SERVICE_PERMISSIONS: [&str; 9] =
    ["verify", "forward_auth", "portal:create", "orgs:read", "orgs:write", "keys:read", "keys:write", "audit:read", "usage:read"];
const ROLE_GRANTS: [&str; 5] = ["keys:read", "keys:write", "audit:read", "usage:read", "playground:use"];
const OWN_KEY_PERMISSIONS: [&str; 3] = ["api_keys:read", "api_keys:write", "leads:read"];

fn needs(operation: Operation) -> Option<Needs> {
    let needs = |service, role, own_key| Some(Needs { service, role, own_key });
    match operation {
        Operation::CreateOrg | Operation::UpdateOrg | Operation::UploadOrgOpenapi | Operation::DeleteOrgOpenapi => {
            needs(Some("orgs:write"), None, None)
        }
        Operation::ListOrgs | Operation::GetOrg => needs(Some("orgs:read"), None, None),
        Operation::ListPermissions | Operation::ListKeys | Operation::GetKey => {
            needs(Some("keys:read"), Some("keys:read"), Some("api_keys:read"))
        }
        Operation::CreateKey
        | Operation::UpdateKey
        | Operation::DeleteKey
        | Operation::RevokeKey
        | Operation::ReactivateKey
        | Operation::RotateKey
        | Operation::CompleteRotation
        | Operation::ImportKeys => needs(Some("keys:write"), Some("keys:write"), Some("api_keys:write")),
        Operation::CreatePlaygroundKey | Operation::RevokePlaygroundKey => {
            needs(Some("keys:write"), Some("playground:use"), Some("api_keys:write"))
        }
        Operation::GetOrgUsage | Operation::GetKeyUsage | Operation::ListKeyActivity => needs(Some("usage:read"), Some("usage:read"), None),
        Operation::ListAudit => needs(Some("audit:read"), Some("audit:read"), None),
        Operation::CreatePortalSession
        | Operation::ListPortalSessions
        | Operation::GetPortalSession
        | Operation::UpdatePortalSession
        | Operation::EndPortalSession => needs(Some("portal:create"), None, None),
        Operation::CreateServiceKey => needs(None, None, None),
        Operation::VerifyKey | Operation::VerifyKeys => needs(Some("verify"), None, None),
        Operation::Metrics => needs(Some("usage:read"), None, None),
        Operation::ForwardAuth
        | Operation::Whoami
        | Operation::OpenPortalLink
        | Operation::SignOut
        | Operation::Console(_)
        | Operation::Healthz
        | Operation::Openapi
        | Operation::Docs
        | Operation::OrgDocs
        | Operation::OrgDocsGrant
        | Operation::OrgOpenapi
        | Operation::Readyz
        | Operation::ProblemPage => None,
    }
}

/// A kind of caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Service,
    MemberToken,
    PortalSession,
    OwnKey,
}

const KINDS: [Kind; 4] = [Kind::Service, Kind::MemberToken, Kind::PortalSession, Kind::OwnKey];

/// Somebody who calls, and how they are recorded.
struct Somebody {
    headers: Vec<(&'static str, String)>,
    actor: Value,
}

fn bearer(token: &str, actor: Value) -> Somebody {
    Somebody { headers: vec![("authorization", format!("Bearer {token}"))], actor }
}

/// Somebody of that kind in `org` who has exactly these words.
fn somebody(kind: Kind, org: &Org<'_>, words: &[&str]) -> Somebody {
    match kind {
        Kind::Service => {
            // A service key needs at least one permission; this one no route asks for.
            let words = if words.is_empty() { &["forward_auth"] } else { words };
            let key = service_key(org.edge, words, json!({}));
            bearer(&key.secret, json!({"type": "service", "id": key.id, "name": "Backend"}))
        }
        Kind::OwnKey => {
            let key = org.key(json!({"name": "Manager", "permissions": words}));
            bearer(&key.secret, json!({"type": "key", "id": key.id, "name": "Manager"}))
        }
        Kind::MemberToken => {
            let token = provider::shared().0.token(&provider::member(&org.id, &role(org, words)));
            bearer(&token, json!({"type": "member", "id": "user_ann", "name": "Ann Example"}))
        }
        Kind::PortalSession => {
            let asked = portal::ask(org, &role(org, words));
            let cookie = portal::sign_in(org.edge, &asked.link);
            let headers = vec![("cookie", cookie), ("origin", org.edge.base_url.clone())];
            Somebody { headers, actor: json!({"type": "member", "id": "user_42", "name": "Ada <b>"}) }
        }
    }
}

/// A role of the organization with exactly these grants.
fn role(org: &Org<'_>, grants: &[&str]) -> String {
    let roles = json!({"policy": {"roles": {"somebody": grants, "owner": ["*"]}}});
    let patched = org.edge.operator("PATCH", &org.path(""), Some(&roles));
    assert_eq!(patched.status, 200, "{}", patched.text());
    "somebody".to_owned()
}

fn call(edge: &Edge, who: &Somebody, route: &Route, path: &str, body: Option<&Value>) -> Response {
    let headers: Vec<(&str, &str)> = who.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    edge.json(method(route), path, &headers, body)
}

/// A temporary key of their own.
fn made_by(who: &Somebody, org: &Org<'_>) -> String {
    let headers: Vec<(&str, &str)> = who.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    given::text(&org.edge.json("POST", &org.path("/playground-keys"), &headers, None).value()["key"]["id"])
}

fn open_org(edge: &Edge) -> Org<'_> {
    given::org(
        edge,
        json!({
            "resources": [
                {"name": "leads", "actions": ["read", "create", "update", "delete"]},
                {"name": "api_keys", "actions": ["read", "write"]},
            ],
            "revocation": "reversible", "deletion": true, "playground": {"enabled": true},
        }),
    )
}

fn word_of(needs: &Needs, kind: Kind) -> (Option<&'static str>, &'static [&'static str]) {
    match kind {
        Kind::Service => (needs.service, &SERVICE_PERMISSIONS),
        Kind::MemberToken | Kind::PortalSession => (needs.role, &ROLE_GRANTS),
        Kind::OwnKey => (needs.own_key, &OWN_KEY_PERMISSIONS),
    }
}

fn without_request_id(answer: &Response) -> (u16, Value) {
    let mut body = answer.value();
    assert!(body["request_id"].take().is_string(), "{body}");
    (answer.status, body)
}

fn assert_forbidden(answer: &Response, missing: Option<&str>, what: &str) {
    assert_eq!((answer.status, &answer.value()["code"]), (403, &json!("FORBIDDEN")), "{what}: {}", answer.text());
    let challenge = missing.map(|word| format!("error=\"insufficient_scope\", scope=\"{word}\""));
    match challenge {
        Some(challenge) => assert!(answer.header("www-authenticate").is_some_and(|field| field.contains(&challenge)), "{what}"),
        None => assert_eq!(answer.header("www-authenticate"), None, "{what}"),
    }
}

fn names_an_org(route: &Route) -> bool {
    route.path.contains("{org}")
}

fn controlled() -> impl Iterator<Item = (&'static Route, Needs)> {
    ROUTES.iter().filter_map(|route| needs(route.operation).map(|needs| (route, needs)))
}

#[test]
fn whoever_has_what_a_route_needs_may_and_is_recorded() {
    let edge = provider::shared().1.edge();
    for (route, needs) in controlled() {
        for kind in KINDS {
            let (Some(word), _) = word_of(&needs, kind) else { continue };
            let what = format!("{} by {kind:?}", route.operation.id());
            let org = open_org(edge);
            // Beside what the route needs, an own key has what it is to hand on.
            let words = if kind == Kind::OwnKey { vec![word, "leads:read"] } else { vec![word] };
            let who = somebody(kind, &org, &words);
            let mut target = Target::of(&org);
            if route.operation == Operation::RevokePlaygroundKey {
                target.key.id = made_by(&who, &org);
            }
            let body = prepared(route, &org, &target);
            let answer = call(edge, &who, route, &path(route, &org.id, &target), body.as_ref());
            assert!(answer.status < 300, "{what}: {} {}", answer.status, answer.text());
            if let Some(action) = route.audit {
                let log = match route.operation {
                    Operation::CreateOrg => Org { edge, id: given::text(&answer.value()["id"]) }.audit(),
                    _ => org.audit(),
                };
                assert_eq!((&log[0]["action"], &log[0]["actor"]), (&json!(action), &who.actor), "{what}");
            }
        }
    }
}

#[test]
fn whoever_lacks_it_may_not_whatever_else_they_have() {
    let edge = provider::shared().1.edge();
    for (route, needs) in controlled() {
        let org = open_org(edge);
        let target = Target::of(&org);
        for kind in KINDS {
            let (word, all) = word_of(&needs, kind);
            let others: Vec<&str> = all.iter().copied().filter(|other| Some(*other) != word).collect();
            let who = somebody(kind, &org, &others);
            let before = org.audit().len();
            let answer = call(edge, &who, route, &path(route, &org.id, &target), Some(&json!({})));
            // Of what nobody of the kind may do, only to backends a word can be named: they lack it, or it has none.
            let named = if kind == Kind::Service { needs.service } else { word };
            assert_forbidden(&answer, named, &format!("{} by {kind:?}", route.operation.id()));
            assert_eq!(org.audit().len(), before, "{} by {kind:?}", route.operation.id());
        }
    }
}

#[test]
fn another_organization_is_to_everybody_but_backends_as_if_it_were_not() {
    let edge = provider::shared().1.edge();
    let (own, other) = (open_org(edge), open_org(edge));
    let nowhere = Org { edge, id: "org_01q9gd6e000w3ge1r70w3ge1r7".to_owned() };
    let system = Org { edge, id: "org_system".to_owned() };
    let everything: Vec<Somebody> = [
        (Kind::MemberToken, ROLE_GRANTS.as_slice()),
        (Kind::PortalSession, ROLE_GRANTS.as_slice()),
        (Kind::OwnKey, OWN_KEY_PERMISSIONS.as_slice()),
        (Kind::OwnKey, &[]),
    ]
    .map(|(kind, words)| somebody(kind, &own, words))
    .into();
    let (mine, theirs) = (Target::of(&own), Target::of(&other));
    let before = other.audit().len();
    for (route, _) in controlled().filter(|(route, _)| names_an_org(route)) {
        for (index, who) in everything.iter().enumerate() {
            let what = format!("{} by {index}", route.operation.id());
            let body = json!({"name": "x"});
            let foreign = without_request_id(&call(edge, who, route, &path(route, &other.id, &theirs), Some(&body)));
            assert_eq!((foreign.0, &foreign.1["code"]), (404, &json!("NOT_FOUND")), "{what}");
            for (org, target) in [(&nowhere, &theirs), (&other, &mine), (&system, &theirs)] {
                let unknown = call(edge, who, route, &path(route, &org.id, target), Some(&body));
                assert_eq!(without_request_id(&unknown), foreign, "{what} in {}", org.id);
            }
        }
        let mighty = service_key(edge, &SERVICE_PERMISSIONS, json!({}));
        let who = bearer(&mighty.secret, json!({}));
        let reserved = call(edge, &who, route, &path(route, &system.id, &theirs), Some(&json!({})));
        assert_forbidden(&reserved, None, &format!("{} of the reserved organization", route.operation.id()));
    }
    assert_eq!(other.audit().len(), before, "nothing was done");
    assert_eq!(other.read(&theirs.key).value()["version"], 1);
}

#[test]
fn under_the_own_organization_what_belongs_to_another_is_not_there() {
    let edge = provider::shared().1.edge();
    let (own, other) = (open_org(edge), open_org(edge));
    let theirs = Target::of(&other);
    let nothing = Target::unknown();
    for (route, needs) in controlled().filter(|(route, _)| route.path.contains("{key}") || route.path.contains("{session}")) {
        for kind in KINDS {
            let (Some(word), _) = word_of(&needs, kind) else { continue };
            let who = somebody(kind, &own, &[word]);
            let body = match route.operation {
                Operation::RotateKey => json!({"overlap_seconds": 0}),
                Operation::UpdateKey => json!({"name": "x"}),
                Operation::UpdatePortalSession => json!({"role": "owner"}),
                _ => json!({}),
            };
            let ask = |target: &Target| {
                let body = (method(route) == "POST" || method(route) == "PATCH").then_some(&body);
                without_request_id(&call(edge, &who, route, &path(route, &own.id, target), body))
            };
            let foreign = ask(&theirs);
            assert_eq!(foreign.0, 404, "{} by {kind:?}: {}", route.operation.id(), foreign.1);
            assert_eq!(foreign, ask(&nothing), "{} by {kind:?}", route.operation.id());
        }
    }
}

#[test]
fn the_credentials_of_the_control_plane_open_nothing_else() {
    let edge = provider::shared().1.edge();
    let org = open_org(edge);
    let member = somebody(Kind::MemberToken, &org, &ROLE_GRANTS);
    let session = somebody(Kind::PortalSession, &org, &ROLE_GRANTS);
    let operator = bearer(OPERATOR_TOKEN, json!({}));
    for route in ROUTES {
        for who in [&operator, &member, &session] {
            let answer = call(edge, who, route, &path(route, &org.id, &Target::unknown()), None);
            match route.caller {
                // A token of the control plane is no key, and a cookie no credential.
                Caller::KeyHolder => assert_eq!(answer.status, 401, "{}", answer.text()),
                Caller::Anyone => assert!(answer.status < 500 && answer.status != 403, "{}", route.operation.id()),
                Caller::LinkHolder => assert_eq!(answer.status, 401),
                Caller::PortalSession => assert_eq!(answer.status == 303, std::ptr::eq(who, &session), "{}", route.operation.id()),
                // Pages take the cookie alone, and the operator's pages their own.
                Caller::Member(_) => assert_eq!(answer.status == 401, !std::ptr::eq(who, &session), "{}", route.operation.id()),
                Caller::OperatorSession => assert_eq!(answer.status, 401, "{}", route.operation.id()),
                Caller::OperatorToken => assert!(matches!(answer.status, 401 | 403 | 415), "{}", answer.status),
                Caller::With(_) | Caller::Operator => {}
            }
        }
    }
}
