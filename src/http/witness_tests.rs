//! What is told of decisions, to the byte, and that no secret is.

use pollster::block_on;
use serde_json::{Value, json};

use super::*;
use crate::{
    decision::facts::RequestLine,
    policy::scope::Requirement,
    service::verify::verify,
    testing::{fixtures, world::World},
};

fn log(addresses: &str) -> DecisionLog {
    DecisionLog::read(|name| match name {
        "DECISION_LOG" => Some("all".to_owned()),
        "DECISION_LOG_IP" => Some(addresses.to_owned()),
        _ => None,
    })
    .unwrap()
}

/// What is told of the question on forward auth.
fn told(credential: &str, ask: &Ask, addresses: &str) -> (String, Point) {
    let world = World::usual();
    let decision = block_on(verify(&world.ports(), &world.memory, credential, ask)).unwrap();
    let sighting = Sighting { surface: Surface::ForwardAuth, index: None, credential, ask, decision: &decision };
    (line(&sighting, &log(addresses), &RequestId::nil()), point(&sighting))
}

fn asking(permission: &str) -> Ask {
    Ask {
        requirement: Requirement::One(Permission::parse(permission).unwrap()),
        ip: Some("203.0.113.9".parse().unwrap()),
        line: RequestLine::of(Some("GET"), Some("/v1/leads?token=1")),
        ..Ask::plain()
    }
}

#[test]
fn an_admission_is_told_with_its_key_and_without_its_secret() {
    let (line, point) = told(&fixtures::credential(), &asking("leads:read"), "network");
    let key = fixtures::key();
    let expected = format!(
        r#"{{"event":"decision","time":"2030-03-17T17:46:40.000Z","request_id":"req_00000000000000000000000000","surface":"forward_auth","outcome":"admitted","code":"VALID","org_id":"{}","key_id":"{}","key_prefix":"{}","actor":{{"type":"key","id":"{}"}},"method":"GET","path":"/v1/leads","ip":"203.0.113.0/24","freshness":"strict","peek":false,"cost":1}}"#,
        key.org_id,
        key.id,
        key.prefix(),
        key.id
    );
    assert_eq!(line, expected);
    let expected = json!({
        "indexes": [key.org_id], "blobs": ["VALID", key.id, "forward_auth", "standard", "strict", "GET"], "doubles": [1, 1],
    });
    assert_eq!(serde_json::to_value(&point).unwrap(), expected);
}

#[test]
fn a_refusal_says_what_is_missing_and_costs_nothing() {
    let (line, point) = told(&fixtures::credential(), &Ask { cost: 7, ..asking("leads:delete") }, "off");
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&line["outcome"], &line["code"]), (&json!("refused"), &json!("INSUFFICIENT_PERMISSIONS")));
    assert_eq!((&line["missing"], &line["ip"], &line["cost"]), (&json!(["leads:delete"]), &Value::Null, &json!(7)));
    assert_eq!((point.blobs[0].as_str(), point.doubles), ("INSUFFICIENT_PERMISSIONS", [1, 0]));
}

#[test]
fn of_an_unknown_key_nothing_is_told_but_that() {
    let (line, point) = told("nonsense", &Ask { act_as: Some("user_42".to_owned()), ..asking("leads:read") }, "full");
    let line: Value = serde_json::from_str(&line).unwrap();
    for (name, value) in [
        ("code", json!("MALFORMED")),
        ("org_id", Value::Null),
        ("key_id", Value::Null),
        ("key_prefix", Value::Null),
        ("actor", Value::Null),
        ("ip", json!("203.0.113.9")),
    ] {
        assert_eq!(line[name], value, "{name}");
    }
    assert_eq!((point.indexes[0].as_str(), point.blobs[1].as_str()), ("unknown", ""));
}

#[test]
fn a_credential_is_told_nowhere_wherever_the_request_repeats_it() {
    let key = fixtures::credential();
    for credential in [key.as_str(), "old-key-of-another-shape", "OLDKEY", "abc:def"] {
        let path = format!("/{}/{credential}", "x".repeat(MAX_PATH_CHARS - credential.len() / 2));
        let hidden: String = credential.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let (half, _) = credential.split_at(credential.len() / 2);
        for path in [format!("/a/{credential}/b?c={credential}"), format!("/{hidden}"), path] {
            let ask = Ask {
                act_as: Some(format!("user:{credential}")),
                requirement: Requirement::One(Permission::capability(credential)),
                line: RequestLine::of(Some(credential), Some(&path)),
                ..asking("leads:read")
            };
            let (line, point) = told(credential, &ask, "full");
            let point = serde_json::to_string(&point).unwrap();
            for text in [line, point] {
                assert!(!text.contains(half), "{half} in {text}");
            }
        }
    }
}

#[test]
fn no_point_is_larger_than_the_platform_takes() {
    let ask = Ask { line: RequestLine::of(Some("OPTIONS"), Some("/")), ..asking("leads:read") };
    let (_, point) = told(&fixtures::credential(), &ask, "full");
    assert!(point.indexes[0].len() <= 96 && point.blobs.iter().map(String::len).sum::<usize>() <= 16_384);
}
