//! What holds of every page of the console, read from the route table: who may see it, who may send its form, what that
//! leaves in the log. What people see of it is told by `tests/browser/`.

use crate::{
    client::Response,
    coverage::{Target, method, path},
    given::{self, Org},
    portal::{ask, sign_in},
    runtime::{OPERATOR_TOKEN, shared},
};
use latchkey::{
    authn::principal::Grant,
    http::{
        console::screen::Screen,
        route_table::{Caller, Operation, ROUTES, Route},
    },
};
use serde_json::{Value, json};

const ALL: [Grant; 5] = [Grant::KeysRead, Grant::KeysWrite, Grant::PlaygroundUse, Grant::AuditRead, Grant::UsageRead];

fn screens() -> impl Iterator<Item = (&'static Route, Screen)> {
    ROUTES.iter().filter_map(|route| match route.operation {
        Operation::Console(screen) => Some((route, screen)),
        _ => None,
    })
}

fn open_org(grants: &[Grant]) -> Org<'static> {
    let words: Vec<&str> = grants.iter().map(|grant| grant.as_str()).collect();
    let roles = json!({"owner": ["*"], "somebody": words});
    given::org(shared().edge(), json!({"revocation": "reversible", "deletion": true, "roles": roles}))
}

/// What brings the key into the state that the form needs, and the form.
fn prepared(screen: Screen, org: &Org<'_>, target: &Target) -> String {
    let post = |path: &str, body: Value| {
        let done = org.edge.operator("POST", &org.path(&format!("/keys/{}/{path}", target.key.id)), Some(&body));
        assert_eq!(done.status, 200, "{}", done.text());
    };
    match screen {
        Screen::ReactivateKey => post("revoke", json!({})),
        Screen::CompleteRotation => post("rotate", json!({"overlap_seconds": 60})),
        _ => {}
    }
    match screen {
        Screen::CreateKey | Screen::OperatorCreateOrg => "name=New&expiry=none&limit=60&window=60".to_owned(),
        Screen::EditKey => "name=Other&permissions=leads%3Aread&limit=1000&window=60&version=1".to_owned(),
        Screen::OperatorSignIn => format!("token={OPERATOR_TOKEN}"),
        Screen::OperatorEditOrg => "name=Other&policy=%7B%7D&version=1".to_owned(),
        _ => String::new(),
    }
}

fn send(route: &Route, org: &Org<'_>, path: &str, cookie: Option<&str>, origin: Option<&str>, form: &str) -> Response {
    let cookie = cookie.map(|cookie| ("cookie", cookie));
    let origin = origin.map(|origin| ("origin", origin));
    let headers: Vec<(&str, &str)> =
        [("content-type", "application/x-www-form-urlencoded")].into_iter().chain(cookie).chain(origin).collect();
    let body = (method(route) == "POST").then_some(form.as_bytes());
    org.edge.send(method(route), path, &headers, body)
}

fn operator_cookie(org: &Org<'_>) -> String {
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", org.edge.base_url.as_str())];
    let answer = org.edge.send("POST", "/operator/sign-in", &headers, Some(format!("token={OPERATOR_TOKEN}").as_bytes()));
    assert_eq!((answer.status, answer.header("location")), (303, Some("/operator")), "{}", answer.text());
    answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

#[test]
fn whoever_is_not_signed_in_gets_a_page_that_says_so_and_nothing_else() {
    let org = open_org(&[]);
    let target = Target::of(&org);
    let member = sign_in(org.edge, &ask(&org, "owner").link);
    for (route, screen) in screens() {
        let path = path(route, &org.id, &target);
        let dead = format!("__Host-latchkey={0}; __Host-latchkey-operator={0}", "0".repeat(43));
        let mut others = vec![None, Some(dead.as_str())];
        // A member's cookie opens no page of the operator, under whichever name.
        let renamed = member.replace("__Host-latchkey", "__Host-latchkey-operator");
        if route.caller == Caller::OperatorSession {
            others.extend([Some(member.as_str()), Some(renamed.as_str())]);
        }
        for cookie in others {
            let answer = send(route, &org, &path, cookie, Some(&org.edge.base_url), "token=lko_wrong");
            assert_eq!(answer.status, 401, "{} {}", screen.id(), answer.text());
            assert!(answer.header("www-authenticate").is_some() && answer.text().starts_with("<!doctype html>"), "{}", screen.id());
            assert!(!answer.text().contains("lko_wrong"), "the token is not echoed");
        }
    }
    assert_eq!(org.read(&target.key).value()["version"], 1);
}

#[test]
fn no_form_of_another_page_is_taken() {
    let org = open_org(&[]);
    let target = Target::of(&org);
    let cookies = format!("{}; {}", sign_in(org.edge, &ask(&org, "owner").link), operator_cookie(&org));
    let before = org.audit().len();
    for (route, screen) in screens().filter(|(route, _)| method(route) == "POST") {
        for origin in [None, Some("null"), Some("https://evil.example")] {
            let form = prepared_without_steps(screen);
            let answer = send(route, &org, &path(route, &org.id, &target), Some(&cookies), origin, &form);
            assert_eq!(answer.status, 403, "{} {origin:?}", screen.id());
        }
    }
    assert_eq!((org.audit().len(), org.read(&target.key).value()["version"].clone()), (before, json!(1)));
}

fn prepared_without_steps(screen: Screen) -> String {
    if screen == Screen::OperatorSignIn { format!("token={OPERATOR_TOKEN}") } else { "name=x".to_owned() }
}

#[test]
fn a_role_does_what_it_was_given_and_nothing_else() {
    for (route, screen) in screens() {
        let Caller::Member(needs) = route.caller else { continue };
        let lacking: Vec<Grant> = ALL.into_iter().filter(|grant| Some(*grant) != needs).collect();
        let of_need: Vec<Grant> = needs.into_iter().collect();
        for (grants, admitted) in [(of_need, true), (lacking, needs.is_none())] {
            let org = open_org(&grants);
            let target = Target::of(&org);
            let cookie = sign_in(org.edge, &ask(&org, "somebody").link);
            let form = prepared(screen, &org, &target);
            let before = org.audit().len();
            let mut path = path(route, &org.id, &target);
            if screen == Screen::AskStep {
                path.push_str("?step=revoke");
            }
            let answer = send(route, &org, &path, Some(&cookie), Some(&org.edge.base_url), &form);
            assert_eq!(answer.status < 400, admitted, "{} {grants:?}: {} {}", screen.id(), answer.status, answer.text());
            assert!(admitted || answer.status == 403, "{}: {}", screen.id(), answer.status);
            let log = org.audit();
            let entries = usize::from(admitted && route.audit.is_some());
            assert_eq!(log.len(), before + entries, "{} {grants:?}", screen.id());
            if entries == 1 {
                assert_eq!(log[0]["action"], serde_json::to_value(route.audit).unwrap(), "{}", screen.id());
                assert_eq!(log[0]["actor"], json!({"type": "member", "id": "user_42", "name": "Ada <b>"}));
                assert_eq!(log[0]["request_id"].as_str(), answer.header("x-request-id"));
            }
        }
    }
}

#[test]
fn keys_of_another_organization_are_not_there() {
    let (org, other) = (open_org(&[]), open_org(&[]));
    let theirs = Target::of(&other);
    let cookie = sign_in(org.edge, &ask(&org, "owner").link);
    for (route, screen) in screens().filter(|(route, _)| route.path.contains("{key}")) {
        let path = format!("{}?step=revoke", path(route, &org.id, &theirs));
        let answer = send(route, &org, &path, Some(&cookie), Some(&org.edge.base_url), "name=x&version=1&overlap=0");
        assert_eq!(answer.status, 404, "{} {}", screen.id(), answer.text());
    }
    assert_eq!(other.read(&theirs.key).value()["version"], 1);
}

#[test]
fn the_operator_changes_organizations_under_their_own_name() {
    for (route, screen) in screens().filter(|(route, _)| route.caller == Caller::OperatorSession && route.audit.is_some()) {
        let org = open_org(&[]);
        let target = Target::of(&org);
        let cookie = operator_cookie(&org);
        let version = org.edge.operator("GET", &org.path(""), None).value()["version"].clone();
        let form = prepared(screen, &org, &target).replace("version=1", &format!("version={version}"));
        let answer = send(route, &org, &path(route, &org.id, &target), Some(&cookie), Some(&org.edge.base_url), &form);
        assert_eq!(answer.status, 303, "{} {}", screen.id(), answer.text());
        let log = match screen {
            Screen::OperatorCreateOrg => {
                let location = answer.header("location").unwrap().replace("/operator/orgs/", "");
                Org { edge: org.edge, id: location.split('?').next().unwrap().to_owned() }.audit()
            }
            Screen::OperatorSignOut => Org { edge: org.edge, id: "org_system".to_owned() }.audit(),
            _ => org.audit(),
        };
        let entry = log.iter().find(|entry| entry["action"] == serde_json::to_value(route.audit).unwrap()).expect("an entry");
        assert_eq!(entry["actor"], json!({"type": "operator", "id": "operator", "name": "Operator"}), "{}", screen.id());
    }
}

#[test]
fn the_operators_session_is_short_and_good_for_pages_alone() {
    let org = open_org(&[]);
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", org.edge.base_url.as_str())];
    let answer = org.edge.send("POST", "/operator/sign-in", &headers, Some(format!("token={OPERATOR_TOKEN}").as_bytes()));
    let set = answer.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value.as_str()).collect::<Vec<_>>();
    assert!(set.len() == 2 && set.iter().all(|cookie| cookie.contains("HttpOnly; SameSite=Strict; Max-Age=")), "{set:?}");
    let age = |cookie: &str| cookie.rsplit('=').next().and_then(|age| age.parse::<u32>().ok()).unwrap();
    assert!(set.iter().all(|cookie| (1790..=1800).contains(&age(cookie))), "{set:?}");
    let token = set[0].split(';').next().unwrap().split_once('=').unwrap().1;
    for name in ["__Host-latchkey", "__Host-latchkey-operator"] {
        let api = org.edge.send("GET", "/v1/orgs", &[("cookie", &format!("{name}={token}"))], None);
        assert_eq!(api.status, 401, "{name}");
    }
    assert_eq!(org.edge.send("GET", "/portal", &[("cookie", &format!("__Host-latchkey={token}"))], None).status, 401);
    assert_eq!(org.edge.send("GET", "/operator", &[("cookie", &format!("__Host-latchkey-operator={token}"))], None).status, 200);
}
