//! What the identity provider may publish, and what of it is believed.

use serde_json::{Value, json};

use crate::{
    client::Response,
    given::{self, Org},
    provider::{ALGORITHMS, Provider, member},
    provider_outages::{assert_unavailable, list_keys, patiently},
    runtime::Fleet,
};

fn served(document: &Value) -> Value {
    json!({"status": 200, "body": document.to_string()})
}

/// Documents that are no key set, each with keys of the attacker's in it wherever there is room for them.
fn bad_documents(provider: &Provider) -> Vec<(&'static str, Value)> {
    let attacker: Vec<Value> = ALGORITHMS.iter().map(|alg| provider.jwk(&format!("attacker-{alg}"))).collect();
    let mut usurper = provider.jwk("attacker-RS256");
    usurper["kid"] = provider.jwk("RS256")["kid"].clone();
    let mut large = provider.key_set(&attacker);
    large["padding"] = json!("x".repeat(64 * 1024));
    let set = json!({"keys": attacker});
    vec![
        ("a key id twice", served(&provider.key_set(&[attacker[0].clone(), usurper]))),
        ("too large, and says so", json!({"status": 200, "body": large.to_string()})),
        ("too large, and does not say so", json!({"status": 200, "body": large.to_string(), "chunked": true})),
        ("no JSON", json!({"status": 200, "headers": {"content-type": "text/html"}, "body": "<html>Sign in</html>"})),
        ("cut off", json!({"status": 200, "body": &set.to_string()[..200]})),
        ("empty", json!({"status": 200, "body": ""})),
        ("a list", served(&set["keys"])),
        ("without keys", served(&json!({"key": attacker[0]}))),
        ("keys that are no list", served(&json!({"keys": attacker[0]}))),
        ("moved", json!({"status": 302, "headers": {"location": provider.elsewhere()}})),
        ("moved for good", json!({"status": 308, "headers": {"location": "/elsewhere"}})),
        ("an error with a key set", json!({"status": 500, "body": set.to_string()})),
        ("not found, with a key set", json!({"status": 404, "body": set.to_string()})),
    ]
}

/// A token under a key id that no edge knows yet, so that the key set is asked for again. The bad documents publish its
/// key, so it would be good if one of them were believed.
fn of_the_attacker(provider: &Provider, org: &Org<'_>) -> String {
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": "attacker-RS256"});
    provider.mint(&header, &provider.good_claims(&member(&org.id, "owner")), &json!({"key": "attacker-RS256"}))
}

/// A fleet with an edge for each document, because an edge asks again only once in a minute.
fn fleet_for(provider: &Provider, documents: &[(&str, Value)]) -> Fleet {
    provider.fleet(u16::try_from(documents.len()).expect("a handful"))
}

#[test]
fn a_bad_document_never_replaces_a_good_key_set() {
    let provider = Provider::start();
    let documents = bad_documents(&provider);
    let fleet = fleet_for(&provider, &documents);
    let org = given::org(fleet.edge(), json!({}));
    let (good, attack) = (provider.token(&member(&org.id, "member")), of_the_attacker(&provider, &org));
    for ((what, document), edge) in documents.iter().zip(&fleet.edges) {
        provider.set_down(false);
        let listed = list_keys(edge, &org, &good);
        assert_eq!(listed.status, 200, "before {what}: {}", listed.text());
        provider.serve_jwks(document);
        let before = provider.jwks_requests();
        let refused = list_keys(edge, &org, &attack);
        assert!(matches!(refused.status, 401 | 503), "{what} was believed: {} {}", refused.status, refused.text());
        assert_eq!(provider.jwks_requests(), before + 1, "{what} was not even looked at");
        let listed = list_keys(edge, &org, &good);
        assert_eq!(listed.status, 200, "{what} replaced the copy in memory: {}", listed.text());
        edge.kill_instance();
        let listed = list_keys(edge, &org, &good);
        assert_eq!(listed.status, 200, "{what} replaced the stored copy: {}", listed.text());
    }
    assert_eq!(provider.elsewhere_requests(), 0, "a redirect is not followed");
}

#[test]
fn a_bad_document_is_as_good_as_none() {
    let provider = Provider::start();
    let documents = bad_documents(&provider);
    let fleet = fleet_for(&provider, &documents);
    let org = given::org(fleet.edge(), json!({}));
    let (good, attack) = (provider.token(&member(&org.id, "member")), of_the_attacker(&provider, &org));
    for ((what, document), edge) in documents.iter().zip(&fleet.edges) {
        provider.serve_jwks(document);
        let answer = list_keys(edge, &org, &attack);
        assert_eq!(answer.status, 503, "{what}: nothing is known about any key: {}", answer.text());
        assert_unavailable(&answer);
    }
    assert_eq!(provider.jwks_requests(), documents.len() as u64, "each was looked at");
    assert_eq!(provider.elsewhere_requests(), 0, "a redirect is not followed");
    provider.set_down(false);
    for ((what, _), edge) in documents.iter().zip(&fleet.edges) {
        let listed = patiently(|| list_keys(edge, &org, &good));
        assert_eq!(listed.status, 200, "after {what}: {}", listed.text());
    }
}

/// A published key with something about it changed: `null` takes a member away.
fn published(provider: &Provider, name: &str, kid: &str, changes: &Value) -> Value {
    let mut key = provider.jwk(name);
    key["kid"] = json!(kid);
    for (member, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => drop(key.as_object_mut().expect("an object").shift_remove(member)),
            value => key[member] = value.clone(),
        }
    }
    key
}

#[test]
fn a_key_that_may_not_sign_is_passed_over_and_the_others_are_good() {
    let provider = Provider::start();
    // Key in the set, and the algorithm that a token claims to be signed with by it.
    let rows = [
        ("1024 bits", published(&provider, "weak-RS256", "weak", &json!({})), "weak-RS256", "RS256", "RS256"),
        ("for encryption", published(&provider, "attacker-RS256", "enc", &json!({"use": "enc"})), "attacker-RS256", "RS256", "RS256"),
        ("for PS256", published(&provider, "attacker-RS256", "pss", &json!({"alg": "PS256"})), "attacker-RS256", "RS256", "RS256"),
        (
            "for PS256, and so signed",
            published(&provider, "attacker-RS256", "ps", &json!({"alg": "PS256"})),
            "attacker-RS256",
            "PS256",
            "PS256",
        ),
        (
            "for ES384, but P-256",
            published(&provider, "attacker-ES256", "odd", &json!({"alg": "ES384"})),
            "attacker-ES256",
            "ES256",
            "ES256",
        ),
        ("P-384", published(&provider, "P-384", "p384", &json!({"alg": null})), "P-384", "ES384", "ES384"),
        ("P-384 as ES256", published(&provider, "P-384", "p384es", &json!({"alg": "ES256"})), "P-384", "ES256", "ES256"),
        ("secp256k1 as ES256", published(&provider, "secp256k1", "k1", &json!({"alg": "ES256"})), "secp256k1", "ES256", "ES256"),
        ("Ed448", published(&provider, "Ed448", "ed448", &json!({})), "Ed448", "EdDSA", "EdDSA"),
    ];
    let shared_secret = json!({"kty": "oct", "k": "c2VjcmV0", "kid": "oct", "alg": "HS256", "use": "sig"});
    let future = json!({"kty": "AKP", "alg": "ML-DSA-44", "kid": "future", "pub": "AAAA", "use": "sig"});
    let mut more: Vec<Value> = rows.iter().map(|row| row.1.clone()).collect();
    more.extend([shared_secret, future]);
    provider.serve_jwks(&served(&provider.key_set(&more)));

    let fleet = provider.fleet(1);
    let org = given::org(fleet.edge(), json!({}));
    let claims = provider.good_claims(&member(&org.id, "owner"));
    let assert_refused = |what: &str, answer: &Response| {
        assert_eq!((answer.status, &answer.value()["code"]), (401, &json!("INVALID_TOKEN")), "{what}: {}", answer.text());
    };
    for alg in ALGORITHMS {
        let listed = list_keys(org.edge, &org, &provider.token_signed_with(alg, &member(&org.id, "member")));
        assert_eq!(listed.status, 200, "{alg}, in the company of keys that are not for this: {}", listed.text());
    }
    for (what, key, name, header_alg, alg) in rows {
        let header = json!({"alg": header_alg, "typ": "JWT", "kid": key["kid"]});
        let token = provider.mint(&header, &claims, &json!({"key": name, "alg": alg}));
        assert_refused(what, &list_keys(org.edge, &org, &token));
    }
    let by_secret = provider.mint(&json!({"alg": "HS256", "kid": "oct"}), &claims, &json!({"secret": "secret"}));
    assert_refused("a published secret", &list_keys(org.edge, &org, &by_secret));
}

#[test]
fn a_key_needs_no_more_than_its_id_and_its_numbers() {
    let provider = Provider::start();
    // `alg` and `use` are optional in a key set; what a key is for then follows from its type and curve.
    let bare = |alg: &str| {
        let mut key = provider.jwk(alg);
        let members = key.as_object_mut().expect("an object");
        members.shift_remove("alg");
        members.shift_remove("use");
        key
    };
    provider.serve_jwks(&served(&json!({"keys": ALGORITHMS.map(bare), "more": {"about": "the set"}})));
    let fleet = provider.fleet(1);
    let org = given::org(fleet.edge(), json!({}));
    for alg in ALGORITHMS {
        let listed = list_keys(org.edge, &org, &provider.token_signed_with(alg, &member(&org.id, "member")));
        assert_eq!(listed.status, 200, "{alg}: {}", listed.text());
    }
}
