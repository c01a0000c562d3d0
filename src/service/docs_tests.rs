use pollster::block_on;
use serde_json::json;

use super::*;
use crate::testing::{
    fixtures::{self, ORG, origin},
    wire::Call,
    world::World,
};

const URL: &str = "https://api.example.com/openapi.json";

fn world(playground: Value) -> World {
    World::of(fixtures::organization(json!({ "playground": playground })))
}

fn uploaded(world: &World, document: &Value) -> Result<Uploaded, Failure> {
    block_on(upload(&world.ports(), ORG, &document.to_string(), document, origin()))
}

fn shown(world: &World) -> Result<String, Failure> {
    block_on(document(&world.ports(), ORG, |_| false)).map(|document| document.text.unwrap())
}

fn faults(outcome: Result<Uploaded, Failure>) -> Vec<String> {
    match outcome {
        Err(Failure::Invalid(faults)) => faults.into_iter().map(|fault| fault.pointer).collect(),
        _ => panic!("it was taken"),
    }
}

#[test]
fn docs_show_what_was_uploaded_until_it_is_taken_away() {
    let world = world(json!({}));
    assert!(matches!(shown(&world), Err(Failure::NotFound)) && block_on(of_org(&world.ports(), ORG)).is_err());
    let (first, second) = (json!({"openapi": "3.1.0", "info": {"title": "Leads"}}), json!({"openapi": "3.0.3"}));
    let made = uploaded(&world, &first).unwrap();
    assert_eq!((made.title.as_deref(), made.openapi.as_str(), made.shown), (Some("Leads"), "3.1.0", true));
    assert_eq!((made.bytes, made.sha256), (first.to_string().len(), Digest::of(&first.to_string()).hex()));
    assert_eq!(shown(&world).unwrap(), first.to_string());
    assert!(block_on(of_org(&world.ports(), ORG)).is_ok());
    uploaded(&world, &second).unwrap();
    assert_eq!(shown(&world).unwrap(), second.to_string());
    block_on(remove(&world.ports(), ORG, origin())).unwrap();
    assert!(matches!(shown(&world), Err(Failure::NotFound)));
    assert!(matches!(block_on(remove(&world.ports(), ORG, origin())), Err(Failure::NotFound)));
}

#[test]
fn each_change_leaves_an_entry_with_digests_and_a_repeated_one_none() {
    let world = world(json!({}));
    let document = json!({"openapi": "3.1.0"});
    let name = format!("sha256:{}", Digest::of(&document.to_string()).hex());
    uploaded(&world, &document).unwrap();
    uploaded(&world, &document).unwrap();
    block_on(remove(&world.ports(), ORG, origin())).unwrap();
    let audit = world.ledger.audit();
    let changes: Vec<_> = audit.iter().map(|entry| (entry.action, Value::Object(entry.changes.clone()))).collect();
    let openapi = |from: Option<&str>, to: Option<&str>| json!({"openapi": {"from": from, "to": to}});
    let expected = [(Action::OrgUpdated, openapi(None, Some(&name))), (Action::OrgUpdated, openapi(Some(&name), None))];
    assert_eq!(changes, expected);
}

#[test]
fn what_is_no_openapi_or_has_a_key_in_it_is_refused_with_all_that_is_wrong() {
    let world = world(json!({}));
    for (document, wrong) in [
        (json!([]), vec![""]),
        (json!({"swagger": "2.0"}), vec!["/openapi"]),
        (json!({"openapi": 3}), vec!["/openapi"]),
        (json!({"openapi": "2.0"}), vec!["/openapi"]),
        (json!({"openapi": "3.2.0", "x": fixtures::credential()}), vec!["/openapi", ""]),
    ] {
        assert_eq!(faults(uploaded(&world, &document)), wrong, "{document}");
    }
    assert!(world.ledger.audit().is_empty() && matches!(shown(&world), Err(Failure::NotFound)));
}

#[test]
fn of_two_who_upload_at_the_same_time_one_is_told() {
    let world = world(json!({}));
    let ports = world.ports();
    let other = (ports.clone(), json!({"openapi": "3.0.0"}));
    world.wire.before(Call::ReplaceDescription, move || {
        let (ports, document) = &other;
        block_on(upload(ports, ORG, &document.to_string(), document, origin())).unwrap();
    });
    assert!(matches!(uploaded(&world, &json!({"openapi": "3.1.0"})), Err(Failure::Conflict)));
    assert_eq!(shown(&world).unwrap(), json!({"openapi": "3.0.0"}).to_string());
    assert_eq!(world.ledger.audit().len(), 1);
}

#[test]
fn the_address_of_the_policy_goes_before_what_was_uploaded() {
    let world = world(json!({ "openapi_url": URL }));
    assert!(!uploaded(&world, &json!({"openapi": "3.1.0"})).unwrap().shown);
    assert!(matches!(shown(&world), Err(Failure::Unavailable(_))), "nothing is published there");
    world.ledger.publish_description(URL, "published");
    assert_eq!(shown(&world).unwrap(), "published");
    world.ledger.publish_description(URL, &"x".repeat(MAX_DOCUMENT_BYTES + 1));
    assert!(matches!(shown(&world), Err(Failure::Unavailable(_))));
}

#[test]
fn only_pages_of_listed_origins_may_ask_and_only_where_there_are_test_tokens() {
    let listed = |enabled: bool, origin: &str| {
        let world = world(json!({"enabled": enabled, "allowed_origins": ["https://docs.example.com"]}));
        block_on(is_listed(&world.ports(), ORG, origin)).unwrap()
    };
    assert!(listed(true, "https://docs.example.com"));
    assert!(!listed(false, "https://docs.example.com"));
    for origin in ["null", "", "https://docs.example.com.evil.example", "http://docs.example.com", "https://DOCS.example.com"] {
        assert!(!listed(true, origin), "{origin}");
    }
    assert!(!block_on(is_listed(&world(json!({})).ports(), "org_nobody", "https://docs.example.com")).unwrap());
}
