//! What members of an organization may do with a token of the platform's identity provider.

use latchkey::http::route_table::{Caller, ROUTES, Route};
use serde_json::{Value, json};

use crate::{
    client::{Edge, Response},
    coverage::method,
    given,
    provider::{self, ALGORITHMS, member},
    restart::files_below,
    runtime::{self, OPERATOR_TOKEN},
};

fn assert_problem(answer: &Response, status: u16, code: &str, what: &str) {
    let problem = answer.value();
    assert_eq!((answer.status, &problem["code"]), (status, &json!(code)), "{what}: {problem}");
}

/// The problem without what is different in every answer.
fn without_request_id(answer: &Response) -> Value {
    let mut problem = answer.value();
    assert!(problem["request_id"].take().is_string(), "{problem}");
    problem
}

/// A request with a token in the field of Cloudflare Access, and perhaps in `Authorization` too.
fn access(edge: &Edge, assertion: &str, bearer: Option<&str>, path: &str) -> Response {
    let authorization = bearer.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("cf-access-jwt-assertion", assertion)];
    headers.extend(authorization.as_deref().map(|value| ("authorization", value)));
    edge.send("GET", path, &headers, None)
}

#[test]
fn a_member_manages_keys_and_is_recorded_by_id_and_name() {
    let (provider, fleet) = provider::shared();
    let org = given::org(fleet.edge(), json!({}));
    let token = provider.token(&member(&org.id, "admin"));
    let edge = fleet.edge();
    let ann = json!({"type": "member", "id": "user_ann", "name": "Ann Example"});

    let made = edge.bearer(&token, "POST", &org.path("/keys"), Some(&json!({"name": "Zapier", "permissions": ["leads:read"]})));
    assert_eq!(made.status, 201, "{}", made.text());
    let (key, secret) = (made.value()["key"].clone(), given::text(&made.value()["secret"]));
    assert_eq!(key["created_by"], ann);
    assert_eq!(given::code(edge, &secret), "VALID");
    let listed = edge.bearer(&token, "GET", &org.path("/keys"), None);
    assert_eq!((listed.status, &listed.value()["items"][0]["id"]), (200, &key["id"]), "{}", listed.text());
    let revoked = edge.bearer(&token, "POST", &org.path(&format!("/keys/{}/revoke", given::text(&key["id"]))), None);
    assert_eq!((revoked.status, &revoked.value()["revoked_by"]), (200, &ann), "{}", revoked.text());
    assert_eq!(given::code(edge, &secret), "REVOKED");

    let log = org.audit();
    let actors: Vec<_> = log.iter().map(|entry| (entry["action"].clone(), entry["actor"].clone())).collect();
    assert_eq!(actors[..2], [(json!("key.revoked"), ann.clone()), (json!("key.created"), ann)]);
}

#[test]
fn every_algorithm_of_the_provider_is_good() {
    let (provider, fleet) = provider::shared();
    let org = given::org(fleet.edge(), json!({}));
    for alg in ALGORITHMS {
        let token = provider.token_signed_with(alg, &member(&org.id, "member"));
        let listed = fleet.edge().bearer(&token, "GET", &org.path("/keys"), None);
        assert_eq!(listed.status, 200, "{alg}: {}", listed.text());
    }
}

#[test]
fn a_role_permits_what_the_policy_gives_it_and_nothing_else() {
    let (provider, fleet) = provider::shared();
    let org = given::org(fleet.edge(), json!({"playground": {"enabled": true}}));
    let edge = fleet.edge();
    let body = json!({"name": "Zapier"});
    let asked: [(&str, &str, Option<&Value>); 5] = [
        ("GET", "/keys", None),
        ("GET", "/permissions", None),
        ("POST", "/keys", Some(&body)),
        ("GET", "/audit", None),
        ("POST", "/playground-keys", None),
    ];
    for (role, expected) in [
        ("owner", [200, 200, 201, 200, 201]),
        ("admin", [200, 200, 201, 200, 201]),
        ("developer", [200, 200, 201, 403, 201]),
        ("member", [200, 200, 403, 403, 403]),
        // Roles that the policy does not know, some of which a careless look-up might find.
        ("guest", [403; 5]),
        ("OWNER", [403; 5]),
        ("owner ", [403; 5]),
        ("*", [403; 5]),
        ("__proto__", [403; 5]),
    ] {
        let token = provider.token(&member(&org.id, role));
        for ((method, path, body), status) in asked.iter().zip(expected) {
            let answer = edge.bearer(&token, method, &org.path(path), *body);
            let what = format!("{role:?} {method} {path}");
            match status {
                403 => assert_problem(&answer, 403, "FORBIDDEN", &what),
                _ => assert_eq!(answer.status, status, "{what}: {}", answer.text()),
            }
        }
    }
}

#[test]
fn a_change_of_roles_is_in_effect_on_the_very_next_request_at_every_edge() {
    let provider = provider::Provider::start();
    let fleet = provider.fleet(2);
    let org = given::org(fleet.edge(), json!({}));
    let token = provider.token(&member(&org.id, "member"));
    let body = json!({"name": "Zapier"});
    let create = |edge: &Edge| edge.bearer(&token, "POST", &org.path("/keys"), Some(&body));
    for (grants, status) in [(json!(["keys:read"]), 403), (json!(["keys:*"]), 201), (json!(["keys:read"]), 403), (json!(null), 403)] {
        let patch = json!({"policy": {"roles": {"member": grants}}});
        let changed = org.edge.operator("PATCH", &org.path(""), Some(&patch));
        assert_eq!(changed.status, 200, "{}", changed.text());
        for (index, edge) in fleet.edges.iter().enumerate() {
            assert_eq!(create(edge).status, status, "edge {index} after the role was given {grants}");
        }
    }
}

fn needs_a_grant(route: &&Route) -> bool {
    matches!(route.caller, Caller::With(_))
}

/// What makes a changing route read as far as it can.
fn body(route: &Route) -> Option<Value> {
    matches!(method(route), "POST" | "PATCH").then(|| json!({}))
}

#[test]
fn another_organization_answers_a_member_as_if_it_did_not_exist() {
    let (provider, fleet) = provider::shared();
    let edge = fleet.edge();
    let (own, other) = (given::org(edge, json!({})), given::org(edge, json!({"deletion": true})));
    let key = other.key(json!({}));
    // Whether the role would do at home makes no difference elsewhere.
    for role in ["owner", "member", "guest"] {
        let token = provider.token(&member(&own.id, role));
        for route in ROUTES.iter().filter(needs_a_grant).filter(|route| route.path.contains("{org}")) {
            let ask = |org: &str| {
                let path = route.path.replace("{org}", org).replace("{key}", &key.id);
                edge.bearer(&token, method(route), &path, body(route).as_ref())
            };
            let what = format!("{role} {}", route.operation.id());
            let (existing, unknown) = (ask(&other.id), ask("org_01ARZ3NDEKTSV4RRFFQ69G5FAV"));
            assert_problem(&existing, 404, "NOT_FOUND", &what);
            assert_eq!(unknown.status, 404, "{what}: {}", unknown.text());
            assert_eq!(without_request_id(&existing), without_request_id(&unknown), "{what}");
            // `connection` is the server's own affair: it closes one now and then.
            let told = |(name, _): &&(String, String)| name != "connection";
            let names = |answer: &Response| answer.headers.iter().filter(told).map(|(name, _)| name.clone()).collect::<Vec<_>>();
            assert_eq!(names(&existing), names(&unknown), "{what}");
        }
    }
    assert_eq!(other.read(&key).value(), key.record, "nothing was done");
}

#[test]
fn a_key_of_another_organization_is_unknown_under_the_own_one() {
    let (provider, fleet) = provider::shared();
    let edge = fleet.edge();
    let (own, other) = (given::org(edge, json!({})), given::org(edge, json!({})));
    let (key, token) = (other.key(json!({})), provider.token(&member(&own.id, "owner")));
    let ask = |id: &str| edge.bearer(&token, "GET", &own.path(&format!("/keys/{id}")), None);
    let (existing, unknown) = (ask(&key.id), ask("key_01ARZ3NDEKTSV4RRFFQ69G5FAV"));
    assert_problem(&existing, 404, "NOT_FOUND", "the key of another");
    assert_eq!(without_request_id(&existing), without_request_id(&unknown));
}

#[test]
fn a_token_for_an_organization_that_is_not_here_proves_nobody() {
    let (provider, fleet) = provider::shared();
    for org in ["org_01ARZ3NDEKTSV4RRFFQ69G5FAV", "org_system", "Acme Ltd"] {
        let token = provider.token(&member(org, "owner"));
        let listed = fleet.edge().bearer(&token, "GET", &format!("/v1/orgs/{}/keys", org.replace(' ', "%20")), None);
        assert_problem(&listed, 401, "INVALID_TOKEN", org);
    }
}

#[test]
fn a_route_without_an_organization_is_no_members() {
    let (provider, fleet) = provider::shared();
    let org = given::org(fleet.edge(), json!({}));
    let token = provider.token(&member(&org.id, "owner"));
    let routes: Vec<_> = ROUTES.iter().filter(needs_a_grant).filter(|route| !route.path.contains('{')).collect();
    assert!(routes.len() >= 3, "to make and list organizations, and to verify");
    for route in routes {
        let answer = fleet.edge().bearer(&token, method(route), route.path, body(route).as_ref());
        assert_problem(&answer, 403, "FORBIDDEN", route.operation.id());
    }
}

#[test]
fn an_owner_does_not_change_the_organization_itself() {
    let (provider, fleet) = provider::shared();
    let org = given::org(fleet.edge(), json!({}));
    let token = provider.token(&member(&org.id, "owner"));
    let before = org.edge.operator("GET", &org.path(""), None).value();
    for patch in [json!({"features": {"developer_api": true}}), json!({"policy": {"max_rate_limit": null}}), json!({"name": "Mine"})] {
        let answer = org.edge.bearer(&token, "PATCH", &org.path(""), Some(&patch));
        assert_problem(&answer, 403, "FORBIDDEN", "the operator alone says what an organization may have");
    }
    assert_eq!(org.edge.operator("GET", &org.path(""), None).value(), before);
}

#[test]
fn cloudflare_access_hands_the_token_over_in_its_own_field() {
    let provider = provider::Provider::start();
    let fleet = provider.fleet_with_claims(&[
        ("MEMBER_ORG_CLAIM", "/custom/org_id"),
        ("MEMBER_ROLE_CLAIM", "/custom/role"),
        ("MEMBER_NAME_CLAIM", "email"),
    ]);
    let (org, edge) = (given::org(fleet.edge(), json!({})), fleet.edge());
    // The same names outside of `custom` mean nothing here.
    let claims = json!({"custom": {"org_id": org.id, "role": "admin"}, "sub": "7335d417", "email": "ann@example.com", "role": "guest"});
    let token = provider.token(&claims);
    let listed = access(edge, &token, None, &org.path("/keys"));
    assert_eq!(listed.status, 200, "{}", listed.text());
    let made = edge.json("POST", &org.path("/keys"), &[("cf-access-jwt-assertion", &token)], Some(&json!({"name": "Zapier"})));
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(made.value()["key"]["created_by"], json!({"type": "member", "id": "7335d417", "name": "ann@example.com"}));
    let bad = access(edge, &format!("{token}x"), None, &org.path("/keys"));
    assert_problem(&bad, 401, "INVALID_TOKEN", "a bad token in the field of Access");
    assert!(bad.header("www-authenticate").is_some_and(|value| value.contains("error=\"invalid_token\"")));
    let flat = provider.token(&member(&org.id, "owner"));
    assert_problem(&access(edge, &flat, None, &org.path("/keys")), 401, "INVALID_TOKEN", "claims where nobody looks");
}

/// A browser that Access let in sends its cookie with whatever page's form: Access then vouches for a call that nobody
/// wanted. Programs tell no origin, and are no browser.
#[test]
fn a_foreign_page_changes_nothing_through_access() {
    let (provider, fleet) = provider::shared();
    let edge = fleet.edge();
    let org = given::org(edge, json!({}));
    let (key, token) = (org.key(json!({})), provider.token(&member(&org.id, "owner")));
    let revoke = org.path(&format!("/keys/{}/revoke", key.id));
    let post = |fields: &[(&str, &str)]| {
        let headers: Vec<(&str, &str)> = [("cf-access-jwt-assertion", token.as_str())].into_iter().chain(fields.iter().copied()).collect();
        edge.send("POST", &revoke, &headers, None)
    };
    for foreign in [
        [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")].as_slice(),
        &[("origin", "null")],
        &[("sec-fetch-site", "same-origin")],
        &[("origin", &edge.base_url), ("sec-fetch-site", "same-site")],
    ] {
        assert_problem(&post(foreign), 403, "FORBIDDEN", "a page of somebody else's");
    }
    assert_eq!(org.read(&key).value()["status"], "active");
    assert_eq!(post(&[("origin", &edge.base_url), ("sec-fetch-site", "same-origin")]).status, 200, "the deployment's own page");
    assert_eq!(post(&[]).status, 200, "a program");
}

#[test]
fn the_authorization_field_wins_over_that_of_access() {
    let (provider, fleet) = provider::shared();
    let edge = fleet.edge();
    let (here, there) = (given::org(edge, json!({})), given::org(edge, json!({})));
    let (mine, theirs) = (provider.token(&member(&here.id, "owner")), provider.token(&member(&there.id, "owner")));
    let path = here.path("/keys");
    assert_eq!(access(edge, &mine, None, &path).status, 200, "alone it is good");
    assert_eq!(access(edge, &theirs, Some(&mine), &path).status, 200);
    assert_problem(&access(edge, &mine, Some(&theirs), &path), 404, "NOT_FOUND", "the other way round");
    assert_eq!(access(edge, "junk", Some(&mine), &path).status, 200, "the other field is not even read");
    assert_problem(&access(edge, &mine, Some("junk"), &path), 401, "INVALID_TOKEN", "a bad credential is not made good");
    assert_eq!(access(edge, &mine, Some(OPERATOR_TOKEN), "/v1/orgs").status, 200, "the operator stays the operator");
}

#[test]
fn a_claim_is_found_by_its_name_as_it_stands_or_by_a_pointer() {
    let provider = provider::Provider::start();
    let fleet = provider.fleet_with_claims(&[
        // Other providers demand such names for claims of one's own.
        ("MEMBER_ORG_CLAIM", "https://acme.example/org"),
        ("MEMBER_ROLE_CLAIM", "/https:~1~1acme.example~1app/roles/1"),
        ("MEMBER_USER_CLAIM", "user.id"),
        ("MEMBER_NAME_CLAIM", "/profile/a~0b"),
    ]);
    let org = given::org(fleet.edge(), json!({}));
    let token = provider.token(&json!({
        "https://acme.example/org": org.id,
        "https://acme.example/app": {"roles": ["guest", "admin"]},
        "user.id": "u-42",
        "user": {"id": "nobody"},
        "profile": {"a~b": "Änne O’Neill"},
        "sub": "another",
    }));
    let made = org.edge.bearer(&token, "POST", &org.path("/keys"), Some(&json!({"name": "Zapier"})));
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(made.value()["key"]["created_by"], json!({"type": "member", "id": "u-42", "name": "Änne O’Neill"}));
}

#[test]
fn an_audience_may_be_one_of_several() {
    let (provider, fleet) = provider::shared();
    let org = given::org(fleet.edge(), json!({}));
    for audience in [json!([provider.audience]), json!(["https://other.example", provider.audience])] {
        let mut claims = provider.good_claims(&member(&org.id, "member"));
        claims["aud"] = audience.clone();
        let token = provider.mint(&provider.header("ES256"), &claims, &json!({"key": "ES256"}));
        let listed = fleet.edge().bearer(&token, "GET", &org.path("/keys"), None);
        assert_eq!(listed.status, 200, "{audience}: {}", listed.text());
    }
}

#[test]
fn without_a_configured_provider_a_member_token_is_just_a_bad_one() {
    let (provider, _) = provider::shared();
    let org = given::org(runtime::shared().edge(), json!({}));
    let token = provider.token(&member(&org.id, "owner"));
    assert_problem(&org.edge.bearer(&token, "GET", &org.path("/keys"), None), 401, "INVALID_TOKEN", "as a bearer token");
    let answer = access(org.edge, &token, None, &org.path("/keys"));
    assert_eq!(answer.status, 401, "{}", answer.text());
}

#[test]
fn no_member_token_is_anywhere_in_the_state() {
    let provider = provider::Provider::start();
    let options = runtime::Options { keep_state: true, faults: false, vars: provider.vars(), ..runtime::Options::default() };
    let mut fleet = runtime::Fleet::start(options);
    let org = given::org(fleet.edge(), json!({}));
    let token = provider.token(&member(&org.id, "admin"));
    let made = org.edge.bearer(&token, "POST", &org.path("/keys"), Some(&json!({"name": "Zapier"})));
    assert_eq!(made.status, 201, "{}", made.text());
    let signature = token.rsplit('.').next().expect("a signature").to_owned();
    fleet.restart();
    let files = files_below(fleet.state_folder().expect("a kept state"));
    let holds = |needle: &str| files.iter().any(|(_, bytes)| bytes.windows(needle.len()).any(|part| part == needle.as_bytes()));
    assert!(holds("user_ann"), "the state is where it is looked for");
    assert!(!holds(&signature), "a token that is kept can be stolen");
}
