//! Four customers in one deployment: one request, four answers, and nobody sees another's keys.

use serde_json::{Value, json};

use crate::{
    client::Response,
    given::{self, Key},
    story::{Customer, PROFILES, edge, refusal},
};

/// A permission that each profile offers, in their order.
const GRANTED: [&str; 4] = ["jobs:read", "workflows:run", "leads:read", "calls:read"];

fn everybody() -> Vec<(Customer, Key)> {
    let names = ["Run a Call", "RakerOne", "Leads", "Voice agents"];
    let open = |index: usize| {
        let features = if PROFILES[index] == "leads-api" { json!({"developer_api": true}) } else { json!({}) };
        let customer = Customer::open(names[index], PROFILES[index], features);
        let key = customer.roomy_key("Integration", &[GRANTED[index]]);
        (customer, key)
    };
    (0..PROFILES.len()).map(open).collect()
}

#[test]
fn four_customers_share_a_deployment_and_differ_by_policy_alone() {
    let everybody = everybody();
    for ((customer, key), granted) in everybody.iter().zip(GRANTED) {
        assert_eq!(customer.listed(""), [key.id.as_str()], "each sees its own keys");
        let answer = given::ask(edge(), &key.secret, json!({"permissions": granted}));
        assert_eq!((&answer["code"], &answer["key"]["org_id"]), (&json!("VALID"), &json!(customer.org.id)));
    }
    let answers = |ask: &dyn Fn(&Customer, &Key) -> Response| -> Vec<u16> {
        everybody.iter().map(|(customer, key)| ask(customer, key).status).collect()
    };
    let rename = json!({"name": "Renamed"});
    assert_eq!(answers(&|customer, key| customer.step("PATCH", key, "", Some(rename.clone()))), [403, 403, 200, 403]);
    assert_eq!(answers(&|customer, _| customer.call("POST", "/playground-keys", None)), [403, 403, 201, 403]);
    assert_eq!(answers(&|customer, _| customer.org.create(&json!({"name": "Bare"}))), [201, 201, 201, 422]);
    let ghost = |customer: &Customer, granted: &str| {
        customer.org.create(&json!({"name": "Ghost", "permissions": [granted], "can_impersonate": true})).status
    };
    let ghosts: Vec<u16> = everybody.iter().zip(GRANTED).map(|((customer, _), granted)| ghost(customer, granted)).collect();
    assert_eq!(ghosts, [403, 201, 403, 403]);
    assert_eq!(answers(&|customer, key| customer.step("POST", key, "/revoke", None)), [200; 4]);
    assert_eq!(answers(&|customer, key| customer.step("POST", key, "/reactivate", None)), [409, 409, 200, 409]);
    assert_eq!(answers(&|customer, key| customer.step("DELETE", key, "", None)), [403, 403, 204, 403]);
    let codes: Vec<String> = everybody.iter().map(|(_, key)| given::code(edge(), &key.secret)).collect();
    assert_eq!(codes, ["REVOKED", "REVOKED", "NOT_FOUND", "REVOKED"]);
}

#[test]
fn the_key_of_one_customer_is_unknown_under_every_other() {
    let everybody = everybody();
    let steps = [
        ("GET", "", None),
        ("PATCH", "", Some(json!({"name": "Mine now"}))),
        ("DELETE", "", None),
        ("POST", "/revoke", None),
        ("POST", "/reactivate", None),
        ("POST", "/rotate", Some(json!({"overlap_seconds": 0}))),
        ("POST", "/rotation/complete", None),
    ];
    for (index, (stranger, _)) in everybody.iter().enumerate() {
        let (_, key) = &everybody[(index + 1) % everybody.len()];
        let never = Key { id: "key_01m7ydpb88sa68m392maaxpmtq".to_owned(), secret: String::new(), record: Value::Null };
        for (method, step, body) in &steps {
            let answer = |key: &Key| {
                let answer = stranger.step(method, key, step, body.clone());
                assert_eq!(refusal(&answer), (404, "NOT_FOUND".into()), "{method} {step}");
                let mut body = answer.value();
                body["request_id"] = Value::Null;
                body
            };
            assert_eq!(answer(key), answer(&never), "{method} {step}");
        }
    }
    for (customer, key) in &everybody {
        assert_eq!(given::code(edge(), &key.secret), "VALID");
        assert_eq!(customer.org.read(key).value(), key.record, "untouched");
        assert_eq!(customer.history(key), ["key.created"]);
    }
}
