use crate::{given, runtime::shared};
use serde_json::{Value, json};

#[test]
fn an_organization_answers_with_its_whole_policy() {
    let edge = shared().edge();
    let body =
        json!({"name": " Acme ", "features": {"developer_api": true}, "policy": {"key_prefix": "rak_live", "revocation": "reversible"}});
    let made = edge.operator("POST", "/v1/orgs", Some(&body));
    let record = made.value();
    assert_eq!(made.status, 201);
    assert_eq!(made.header("location"), Some(format!("/v1/orgs/{}", given::text(&record["id"])).as_str()));
    assert_eq!((&record["name"], &record["version"], &record["features"]), (&json!("Acme"), &json!(1), &json!({"developer_api": true})));
    assert_eq!(record["policy"]["key_prefix"], "rak_live");
    assert_eq!(record["policy"]["revocation"], "reversible");
    assert_eq!(record["policy"]["default_rate_limit"], json!({"limit": 60, "window_seconds": 60}));
    assert_eq!(record["policy"]["roles"]["member"], json!(["keys:read"]));
    assert_eq!(record["created_at"], record["updated_at"]);
    let read = edge.operator("GET", &format!("/v1/orgs/{}", given::text(&record["id"])), None);
    assert_eq!((read.status, read.value()), (200, record));
}

#[test]
fn a_bad_policy_is_refused_with_every_pointer() {
    let body = json!({"name": "", "policy": {"key_prefix": "SK", "roles": {"owner": []}, "colour": "red"}, "plan": 1});
    let refused = shared().edge().operator("POST", "/v1/orgs", Some(&body));
    let problem = refused.value();
    assert_eq!((refused.status, &problem["code"]), (422, &json!("VALIDATION_FAILED")));
    let pointers: Vec<&Value> = problem["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
    assert_eq!(pointers, ["/name", "/policy/key_prefix", "/policy/roles", "/policy/colour", "/plan"]);
}

#[test]
fn an_unknown_organization_is_404() {
    for id in ["org_01m7ydpb7j5bg8rsegg53tfdz1", "org_x", "key_01m7ydpb7j5bg8rsegg53tfdz1", "%00", "..%2f.."] {
        let answer = shared().edge().operator("GET", &format!("/v1/orgs/{id}"), None);
        assert_eq!((answer.status, given::text(&answer.value()["code"])), (404, "NOT_FOUND".into()), "{id}");
    }
}
