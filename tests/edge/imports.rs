use crate::{
    client::Response,
    given,
    given::Org,
    runtime::{Fleet, Options, shared},
};
use latchkey::token::digest::Digest;
use serde_json::{Value, json};

fn item(secret: &str) -> Value {
    json!({"name": "Old key", "hash": format!("sha256:{}", Digest::of(secret).hex()), "prefix": "old_", "permissions": ["leads:read"]})
}

fn import(org: &Org<'_>, items: Value) -> Response {
    org.edge.operator("POST", &org.path("/keys/import"), Some(&json!({ "keys": items })))
}

#[test]
fn keys_of_any_shape_are_taken_over_though_they_were_probed_before_at_every_edge() {
    let fleet = Fleet::start(Options { edges: 2, faults: false, ..Options::default() });
    let org = given::org(fleet.edge(), json!({}));
    // Opaque, of this product's shape without its checksum, and with everything that a header may carry.
    let secrets = ["xoxb-1234567890-abcdef", "sk_4fK2a9Qz_0123456789abcdefghijklmnopqrstuv", "a.b-c_d~e+f/g==", "x"];
    for edge in &fleet.edges {
        secrets.iter().for_each(|secret| assert_eq!(given::code(edge, secret), "MALFORMED"));
    }
    let imported = import(&org, json!(secrets.map(item)));
    let results = imported.value()["results"].clone();
    assert_eq!((imported.status, results.as_array().unwrap().len()), (200, 4));
    for (index, secret) in secrets.iter().enumerate() {
        let key = &results[index]["key"];
        assert_eq!(
            (&results[index]["index"], &key["name"], &key["prefix"], &key["kind"]),
            (&json!(index), &json!("Old key"), &json!("old_"), &json!("standard"))
        );
        for edge in &fleet.edges {
            let answer = given::ask(edge, secret, json!({"permissions": "leads:read"}));
            assert_eq!((&answer["code"], &answer["key"]["id"]), (&json!("VALID"), &key["id"]), "{secret}");
            let bearer = format!("Bearer {secret}");
            assert_eq!(edge.send("GET", "/v1/auth", &[("authorization", &bearer)], None).status, 200, "{secret}");
        }
    }
    assert_eq!(given::code(fleet.edge(), "never-imported"), "MALFORMED");
    assert_eq!(org.audit().iter().filter(|entry| entry["action"] == "key.imported").count(), 4);
    let id = given::text(&results[0]["key"]["id"]);
    assert_eq!(fleet.edge().operator("POST", &org.path(&format!("/keys/{id}/revoke")), None).status, 200);
    fleet.edges.iter().for_each(|edge| assert_eq!(given::code(edge, secrets[0]), "REVOKED"));
}

#[test]
fn a_bad_item_fails_alone_and_says_why() {
    let org = given::org(shared().edge(), json!({}));
    let taken = org.key(json!({}));
    let good = item("good-one");
    let bad = json!({"name": "", "hash": "sha256:xyz", "prefix": "with space", "permissions": ["leads:fly"]});
    let imported = import(&org, json!([bad, good, item(&taken.secret), item("good-one"), 5]));
    let results = imported.value()["results"].clone();
    assert_eq!(imported.status, 200);
    let pointers: Vec<&Value> = results[0]["error"]["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
    assert_eq!(pointers, ["/keys/0/name", "/keys/0/permissions/0", "/keys/0/hash", "/keys/0/prefix"]);
    assert_eq!(results[0]["error"]["status"], 422);
    assert!(results[1]["key"].is_object());
    assert_eq!((&results[2]["error"]["code"], &results[3]["error"]["code"]), (&json!("CONFLICT"), &json!("CONFLICT")));
    assert_eq!(results[4]["error"]["status"], 400);
    assert_eq!(given::code(org.edge, "good-one"), "VALID");
    assert_eq!(given::code(org.edge, &taken.secret), "VALID");
    assert_eq!(org.audit().iter().filter(|entry| entry["action"] == "key.imported").count(), 1);
}

#[test]
fn lists_that_are_not_imports_are_refused_whole() {
    let org = given::org(shared().edge(), json!({}));
    for (body, status) in [
        (json!({"keys": []}), 422),
        (json!({"keys": vec![item("a"); 101]}), 422),
        (json!({"keys": {}}), 400),
        (json!({}), 422),
        (json!({"keys": [item("a")], "dry_run": true}), 422),
    ] {
        let refused = org.edge.operator("POST", &org.path("/keys/import"), Some(&body));
        assert_eq!(refused.status, status, "{}", refused.text());
    }
}

#[test]
fn a_credential_that_is_imported_again_after_its_key_was_deleted_is_the_new_keys() {
    let fleet = Fleet::start(Options::default());
    let edge = fleet.edge();
    let org = given::org(edge, json!({"deletion": true}));
    let import_one = || given::text(&import(&org, json!([item("comes-back")])).value()["results"][0]["key"]["id"]);
    let first = import_one();
    assert_eq!(given::code(edge, "comes-back"), "VALID");
    // The index goes on serving the deleted key's record: neither its removal nor the new record reach it.
    edge.faults(&json!({"kv": {"put": "fail", "delete": "fail"}}));
    assert_eq!(edge.operator("DELETE", &org.path(&format!("/keys/{first}")), None).status, 503);
    let second = import_one();
    let answer = given::ask(edge, "comes-back", json!({}));
    assert_eq!((&answer["code"], &answer["key"]["id"]), (&json!("VALID"), &json!(second)));
}
