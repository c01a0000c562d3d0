//! The identity provider rotates its keys, goes down and comes back; whoever could be let in before still is.

use std::{thread, time::Duration};

use serde_json::json;

use crate::{
    client::{Edge, Response},
    given::{self, Org},
    provider::{Provider, member},
};

/// How often a client that waits as it is told tries again before it gives up.
const TRIES: usize = 5;

pub fn list_keys(edge: &Edge, org: &Org<'_>, token: &str) -> Response {
    edge.bearer(token, "GET", &org.path("/keys"), None)
}

pub fn assert_unavailable(answer: &Response) {
    let problem = answer.value();
    assert_eq!((answer.status, &problem["code"]), (503, &json!("UNAVAILABLE")), "{problem}");
    let wait = answer.header("retry-after").and_then(|value| value.parse::<u64>().ok());
    assert!(wait.is_some_and(|seconds| seconds >= 1), "Retry-After is {:?}", answer.header("retry-after"));
    assert!(!answer.text().contains("127.0.0.1"), "the cause is not shown: {}", answer.text());
}

/// Asks again for as long as the answer is 503, as a client would: after as many seconds as the answer says. When the
/// edge asks the provider again is nothing that could be awaited from outside.
pub fn patiently(ask: impl Fn() -> Response) -> Response {
    for _ in 1..TRIES {
        let answer = ask();
        if answer.status != 503 {
            return answer;
        }
        let seconds = answer.header("retry-after").and_then(|value| value.parse().ok()).expect("a 503 says when to come back");
        assert!(seconds <= 10, "nobody waits for {seconds} s");
        thread::sleep(Duration::from_secs(seconds));
    }
    ask()
}

/// A token of a key that no key set names; each call names another.
fn of_unknown_key(provider: &Provider, org: &Org<'_>, number: usize) -> String {
    let header = json!({"alg": "ES256", "typ": "JWT", "kid": format!("unheard-of-{number}")});
    provider.mint(&header, &provider.good_claims(&member(&org.id, "owner")), &json!({"key": "attacker-ES256"}))
}

#[test]
fn a_known_key_costs_no_request_to_the_provider() {
    let provider = Provider::start();
    let fleet = provider.fleet(1);
    let org = given::org(fleet.edge(), json!({}));
    assert_eq!(provider.jwks_requests(), 0, "nobody asked for a member yet");
    for alg in ["RS256", "ES256", "EdDSA", "RS256"] {
        let listed = list_keys(org.edge, &org, &provider.token_signed_with(alg, &member(&org.id, "member")));
        assert_eq!(listed.status, 200, "{alg}: {}", listed.text());
    }
    assert_eq!(provider.jwks_requests(), 1);
}

#[test]
fn tokens_of_new_keys_are_good_at_once_and_those_of_withdrawn_keys_no_longer() {
    let provider = Provider::start();
    let fleet = provider.fleet(1);
    let org = given::org(fleet.edge(), json!({}));
    let ann = member(&org.id, "member");
    let old = provider.token(&ann);
    assert_eq!(list_keys(org.edge, &org, &old).status, 200);
    provider.rotate();
    let new = provider.token(&ann);
    let listed = list_keys(org.edge, &org, &new);
    assert_eq!(listed.status, 200, "a key that is not known yet is looked for: {}", listed.text());
    assert_eq!(provider.jwks_requests(), 2);
    let refused = list_keys(org.edge, &org, &old);
    assert_eq!((refused.status, &refused.value()["code"]), (401, &json!("INVALID_TOKEN")), "the key was withdrawn");
    assert_eq!(list_keys(org.edge, &org, &new).status, 200);
}

#[test]
fn an_edge_that_starts_after_a_rotation_takes_the_new_keys() {
    let provider = Provider::start();
    let fleet = provider.fleet(2);
    let org = given::org(fleet.edge(), json!({}));
    let ann = member(&org.id, "member");
    assert_eq!(list_keys(&fleet.edges[0], &org, &provider.token(&ann)).status, 200);
    provider.rotate();
    // The other edge may find the old set in the shared store first.
    let listed = list_keys(&fleet.edges[1], &org, &provider.token(&ann));
    assert_eq!(listed.status, 200, "{}", listed.text());
}

#[test]
fn any_number_of_unknown_keys_causes_at_most_one_request() {
    let provider = Provider::start();
    let fleet = provider.fleet(1);
    let org = given::org(fleet.edge(), json!({}));
    let good = provider.token(&member(&org.id, "member"));
    assert_eq!(list_keys(org.edge, &org, &good).status, 200);
    let before = provider.jwks_requests();
    for number in 0..20 {
        let refused = list_keys(org.edge, &org, &of_unknown_key(&provider, &org, number));
        assert_eq!(refused.status, 401, "{}", refused.text());
    }
    assert!(provider.jwks_requests() <= before + 1, "{} requests more", provider.jwks_requests() - before);
    assert_eq!(list_keys(org.edge, &org, &good).status, 200);
}

#[test]
fn unknown_keys_that_come_all_at_once_cause_at_most_one_request() {
    let provider = Provider::start();
    let fleet = provider.fleet(1);
    let org = given::org(fleet.edge(), json!({}));
    let good = provider.token(&member(&org.id, "member"));
    assert_eq!(list_keys(org.edge, &org, &good).status, 200);
    let before = provider.jwks_requests();
    let tokens: Vec<_> = (0..20).map(|number| of_unknown_key(&provider, &org, number)).collect();
    thread::scope(|scope| {
        let asked: Vec<_> = tokens.iter().map(|token| scope.spawn(|| list_keys(org.edge, &org, token).status)).collect();
        for thread in asked {
            assert_eq!(thread.join().expect("an answer"), 401);
        }
    });
    assert!(provider.jwks_requests() <= before + 1, "{} requests more", provider.jwks_requests() - before);
}

#[test]
fn while_the_provider_is_down_known_keys_go_on_working() {
    // Down, hanging up, never answering: the last is the worst, because each request to it has to be given up.
    for outage in
        [json!({"status": 503}), json!({"hang": "up"}), json!({"hang": "silent"}), json!({"status": 500, "body": "{\"keys\":[]}"})]
    {
        let provider = Provider::start();
        let fleet = provider.fleet(1);
        let org = given::org(fleet.edge(), json!({}));
        let good = provider.token(&member(&org.id, "member"));
        assert_eq!(list_keys(org.edge, &org, &good).status, 200);
        provider.serve_jwks(&outage);
        let before = provider.jwks_requests();
        let unknown = list_keys(org.edge, &org, &of_unknown_key(&provider, &org, 0));
        assert!(matches!(unknown.status, 401 | 503), "{outage}: {}", unknown.text());
        assert_eq!(provider.jwks_requests(), before + 1, "{outage}: the outage was noticed");
        let listed = list_keys(org.edge, &org, &good);
        assert_eq!(listed.status, 200, "{outage}: {}", listed.text());
    }
}

#[test]
fn an_edge_that_knows_no_keys_says_unavailable_until_the_provider_is_back() {
    for outage in [json!({"status": 503}), json!({"hang": "up"}), json!({"hang": "silent"})] {
        let provider = Provider::start();
        let fleet = provider.fleet(1);
        let org = given::org(fleet.edge(), json!({}));
        let token = provider.token(&member(&org.id, "member"));
        provider.serve_jwks(&outage);
        assert_unavailable(&list_keys(org.edge, &org, &token));
        assert_eq!(provider.jwks_requests(), 1, "{outage}");
        let access = org.edge.send("GET", &org.path("/keys"), &[("cf-access-jwt-assertion", &token)], None);
        assert_unavailable(&access);
        provider.set_down(false);
        let listed = patiently(|| list_keys(org.edge, &org, &token));
        assert_eq!(listed.status, 200, "{outage}: {}", listed.text());
    }
}

#[test]
fn the_operator_and_keys_do_not_depend_on_the_provider() {
    let provider = Provider::start();
    let fleet = provider.fleet(1);
    provider.serve_jwks(&json!({"hang": "silent"}));
    let org = given::org(fleet.edge(), json!({}));
    let key = org.key(json!({}));
    assert_eq!(given::code(org.edge, &key.secret), "VALID");
    let auth = org.edge.bearer(&key.secret, "GET", "/v1/auth", None);
    assert_eq!(auth.status, 200, "{}", auth.text());
    // That neither of these is a member's token is known without asking the provider.
    assert_eq!(org.edge.bearer("wrong", "GET", &org.path("/keys"), None).status, 401);
    let by_key = org.edge.bearer(&key.secret, "GET", &org.path("/keys"), None);
    assert!(matches!(by_key.status, 401 | 403), "a key without the permission to read keys: {}", by_key.text());
    assert_eq!(provider.jwks_requests(), 0);
    // And it stays so while the edge is in the middle of an outage that it knows of.
    provider.set_down(true);
    assert_unavailable(&list_keys(org.edge, &org, &provider.token(&member(&org.id, "member"))));
    assert_eq!(org.revoke(&key).status, 200);
    assert_eq!(given::code(org.edge, &key.secret), "REVOKED");
}

#[test]
fn the_last_good_key_set_outlives_the_instance() {
    let provider = Provider::start();
    let fleet = provider.fleet(2);
    let org = given::org(fleet.edge(), json!({}));
    let token = provider.token(&member(&org.id, "member"));
    assert_eq!(list_keys(org.edge, &org, &token).status, 200);
    provider.set_down(true);
    org.edge.kill_instance();
    let listed = list_keys(org.edge, &org, &token);
    assert_eq!(listed.status, 200, "the edge's memory is gone, its copy is not: {}", listed.text());
    let listed = list_keys(&fleet.edges[1], &org, &token);
    assert_eq!(listed.status, 200, "an edge that never reached the provider has the copy of the others: {}", listed.text());
}

#[test]
fn the_index_being_down_keeps_no_member_out() {
    let provider = Provider::start();
    let fleet = provider.fleet(1);
    let org = given::org(fleet.edge(), json!({}));
    let token = provider.token(&member(&org.id, "member"));
    // Neither the copy can be read nor a new one be written: the provider itself answers.
    org.edge.faults(&json!({"kv": "fail"}));
    let listed = list_keys(org.edge, &org, &token);
    assert_eq!(listed.status, 200, "{}", listed.text());
    provider.set_down(true);
    let listed = list_keys(org.edge, &org, &token);
    assert_eq!(listed.status, 200, "from memory: {}", listed.text());
}
