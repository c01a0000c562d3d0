use crate::{
    client::Response,
    given,
    runtime::{Fleet, Options},
};
use serde_json::json;

pub fn assert_unavailable(answer: &Response, code: &str) {
    let problem = answer.value();
    assert_eq!((answer.status, given::text(&problem["code"])), (503, code.to_owned()), "{problem}");
    assert!(answer.header("retry-after").is_some());
    assert!(!answer.text().contains("injected"), "the cause is not shown");
}

#[test]
fn without_guard_index_or_truth_verify_fails_closed() {
    let fleet = Fleet::start(Options::default());
    let edge = fleet.edge();
    let org = given::org(edge, json!({}));
    let (key, never_seen) = (org.key(json!({"consistency": "strict"})), org.key(json!({})));
    assert_eq!(given::code(edge, &key.secret), "VALID");
    for (key, faults) in [
        (&key, json!({"guard": "fail"})),
        (&key, json!({"org_guard": "fail"})),
        (&key, json!({"guard": "lose"})),
        (&never_seen, json!({"kv": {"get": "fail"}})),
    ] {
        edge.faults(&faults);
        assert_unavailable(&given::ask_raw(edge, &key.secret, json!({})), "UNAVAILABLE");
        let bearer = format!("Bearer {}", key.secret);
        assert_unavailable(&edge.send("GET", "/v1/auth", &[("authorization", &bearer)], None), "UNAVAILABLE");
    }
    edge.faults(&json!({"kv": {"get": "fail"}, "db": "fail", "guard": "fail", "org_guard": "fail"}));
    let ready = edge.get("/readyz");
    assert_unavailable(&ready, "UNAVAILABLE");
    assert_eq!(ready.value()["checks"], json!({"d1": "failed", "kv": "failed", "guard": "failed", "settings": "ok"}));
    assert_eq!(edge.get("/healthz").status, 200);
    edge.faults(&json!({}));
    assert_eq!(given::code(edge, &key.secret), "VALID", "and it heals by itself");
}

#[test]
fn a_guard_that_cannot_read_the_truth_admits_nobody() {
    let fleet = Fleet::start(Options::default());
    let edge = fleet.edge();
    let key = given::org(edge, json!({})).key(json!({}));
    edge.faults(&json!({"objects": {"db": "fail"}}));
    assert_unavailable(&given::ask_raw(edge, &key.secret, json!({})), "UNAVAILABLE");
    edge.faults(&json!({}));
    assert_eq!(given::code(edge, &key.secret), "VALID");
}

#[test]
fn without_the_truth_nothing_is_made_and_nothing_is_half_made() {
    let fleet = Fleet::start(Options::default());
    let edge = fleet.edge();
    let org = given::org(edge, json!({}));
    edge.faults(&json!({"db": {"batch": "fail"}}));
    assert_unavailable(&org.create(&json!({"name": "a"})), "UNAVAILABLE");
    assert_unavailable(&edge.operator("POST", "/v1/orgs", Some(&json!({"name": "a"}))), "UNAVAILABLE");
    edge.faults(&json!({}));
    assert_eq!(edge.operator("GET", &org.path("/keys"), None).value()["items"], json!([]));
    assert_eq!(org.audit().len(), 1);
    let key = org.key(json!({}));
    edge.faults(&json!({"db": {"batch": "fail"}}));
    assert_unavailable(&org.revoke(&key), "UNAVAILABLE");
    edge.faults(&json!({}));
    assert_eq!(given::code(edge, &key.secret), "VALID");
    assert_eq!(org.read(&key).value()["status"], "active");
}

#[test]
fn a_creation_that_cannot_be_published_still_shows_its_secret() {
    let fleet = Fleet::start(Options::default());
    let edge = fleet.edge();
    let org = given::org(edge, json!({}));
    edge.faults(&json!({"kv": {"put": "fail"}, "guard": "fail"}));
    let key = org.key(json!({}));
    edge.faults(&json!({}));
    assert_eq!(given::code(edge, &key.secret), "VALID");
}

#[test]
fn a_revocation_that_cannot_be_published_says_so_and_the_cron_finishes_it() {
    for faults in [json!({"guard": "fail"}), json!({"guard": "lose"}), json!({"kv": {"put": "fail"}})] {
        let fleet = Fleet::start(Options::default());
        let edge = fleet.edge();
        let org = given::org(edge, json!({}));
        let key = org.key(json!({}));
        assert_eq!(given::code(edge, &key.secret), "VALID");
        edge.faults(&faults);
        assert_unavailable(&org.revoke(&key), "NOT_YET_IN_FORCE");
        edge.faults(&json!({}));
        assert_eq!(fleet.scheduled().status, 200);
        assert_eq!(given::code(edge, &key.secret), "REVOKED", "{faults}");
        let revoked = org.revoke(&key);
        assert_eq!((revoked.status, &revoked.value()["version"]), (200, &json!(2)), "repeating is safe");
        assert_eq!(org.audit().iter().filter(|entry| entry["action"] == "key.revoked").count(), 1);
    }
}

#[test]
fn reading_a_key_publishes_what_an_outage_left_behind() {
    let fleet = Fleet::start(Options::default());
    let edge = fleet.edge();
    let org = given::org(edge, json!({}));
    let key = org.key(json!({}));
    given::code(edge, &key.secret);
    edge.faults(&json!({"guard": "fail"}));
    assert_unavailable(&org.revoke(&key), "NOT_YET_IN_FORCE");
    edge.faults(&json!({}));
    assert_eq!(org.read(&key).value()["status"], "revoked");
    assert_eq!(given::code(edge, &key.secret), "REVOKED");
}

#[test]
fn an_index_that_still_has_the_old_record_convinces_nobody() {
    let fleet = Fleet::start(Options::default());
    let edge = fleet.edge();
    let org = given::org(edge, json!({}));
    let key = org.key(json!({}));
    given::code(edge, &key.secret);
    // The guard learns of the revocation, the index does not: three puts fail, which is as often as it is tried.
    edge.faults(&json!({"kv": {"put": "fail"}}));
    assert_unavailable(&org.revoke(&key), "NOT_YET_IN_FORCE");
    assert_eq!(given::code(edge, &key.secret), "REVOKED");
}

#[test]
fn a_guard_that_never_answers_is_given_up_on() {
    let fleet = Fleet::start(Options::default());
    let edge = fleet.edge();
    let key = given::org(edge, json!({})).key(json!({}));
    edge.faults(&json!({"guard": "hang"}));
    assert_unavailable(&given::ask_raw(edge, &key.secret, json!({})), "UNAVAILABLE");
}

#[test]
fn a_wasm_instance_that_died_is_replaced_and_nothing_is_forgotten() {
    let fleet = Fleet::start(Options::default());
    let edge = fleet.edge();
    let org = given::org(edge, json!({}));
    let key = org.key(json!({"rate_limit": {"limit": 2, "window_seconds": 3600}}));
    assert_eq!(given::code(edge, &key.secret), "VALID");
    edge.kill_instance();
    assert_eq!(given::code(edge, &key.secret), "VALID");
    assert_eq!(given::code(edge, &key.secret), "RATE_LIMITED");
    assert_eq!(org.revoke(&key).status, 200);
}

#[test]
fn a_change_that_is_repeated_after_503_fails_until_it_is_in_force() {
    let fleet = Fleet::start(Options::default());
    let edge = fleet.edge();
    let org = given::org(edge, json!({"deletion": true}));
    let key = org.key(json!({}));
    assert_eq!(given::ask(edge, &key.secret, json!({"permissions": "leads:read"}))["code"], "VALID");
    let patch = || edge.operator("PATCH", &org.path(&format!("/keys/{}", key.id)), Some(&json!({"permissions": []})));
    edge.faults(&json!({"guard": "fail"}));
    assert_unavailable(&patch(), "NOT_YET_IN_FORCE");
    assert_unavailable(&patch(), "NOT_YET_IN_FORCE");
    edge.faults(&json!({}));
    let done = patch();
    assert_eq!((done.status, &done.value()["version"]), (200, &json!(2)));
    assert!(done.value()["in_force_at"].is_string());
    assert_eq!(given::ask(edge, &key.secret, json!({"permissions": "leads:read"}))["code"], "INSUFFICIENT_PERMISSIONS");

    let patch_org = || edge.operator("PATCH", &org.path(""), Some(&json!({"policy": {"requires_feature": "api"}})));
    edge.faults(&json!({"org_guard": "fail"}));
    assert_unavailable(&patch_org(), "NOT_YET_IN_FORCE");
    assert_unavailable(&patch_org(), "NOT_YET_IN_FORCE");
    edge.faults(&json!({}));
    assert!(patch_org().value()["in_force_at"].is_string());
    assert_eq!(given::code(edge, &key.secret), "ORG_DISABLED");
    assert_eq!(edge.operator("PATCH", &org.path(""), Some(&json!({"policy": {"requires_feature": null}}))).status, 200);

    let delete = |path: &str| edge.operator("DELETE", path, None);
    let (path, stranger) = (org.path(&format!("/keys/{}", key.id)), given::org(edge, json!({"deletion": true})));
    edge.faults(&json!({"guard": "fail"}));
    assert_unavailable(&delete(&path), "NOT_YET_IN_FORCE");
    assert_unavailable(&delete(&path), "NOT_YET_IN_FORCE");
    edge.faults(&json!({}));
    assert_eq!(delete(&stranger.path(&format!("/keys/{}", key.id))).status, 404, "nobody else's to finish");
    assert_eq!((delete(&path).status, given::code(edge, &key.secret)), (204, "NOT_FOUND".into()));
    assert_eq!(delete(&path).status, 404);
    assert_eq!(org.audit().iter().filter(|entry| entry["action"] == "key.deleted").count(), 1);
}
