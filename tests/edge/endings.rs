//! Reactivating and deleting.

use crate::{
    client::Response,
    given,
    given::{Key, Org},
    runtime::{Fleet, Options, shared},
};
use serde_json::{Value, json};

fn reactivate(org: &Org<'_>, key: &Key) -> Response {
    org.edge.operator("POST", &org.path(&format!("/keys/{}/reactivate", key.id)), None)
}

fn delete(org: &Org<'_>, key: &Key) -> Response {
    org.edge.operator("DELETE", &org.path(&format!("/keys/{}", key.id)), None)
}

#[test]
fn a_revocation_can_be_taken_back_only_where_the_policy_says_so() {
    let edge = shared().edge();
    let reversible = given::org(edge, json!({"revocation": "reversible"}));
    let key = reversible.key(json!({}));
    assert_eq!(reactivate(&reversible, &key).status, 409, "it is active");
    reversible.revoke(&key);
    let back = reactivate(&reversible, &key);
    let record = back.value();
    assert_eq!((back.status, &record["status"], &record["version"]), (200, &json!("active"), &json!(3)));
    assert_eq!((&record["revoked_at"], &record["revoked_by"], &record["revocation_reason"]), (&Value::Null, &Value::Null, &Value::Null));
    assert_eq!(given::code(edge, &key.secret), "VALID");
    assert_eq!(reversible.audit()[0]["action"], "key.reactivated");

    let permanent = given::org(edge, json!({}));
    let key = permanent.key(json!({}));
    permanent.revoke(&key);
    let refused = reactivate(&permanent, &key);
    assert_eq!((refused.status, given::text(&refused.value()["code"])), (409, "ILLEGAL_TRANSITION".into()));
    assert!(given::text(&refused.value()["detail"]).contains("permanent"));
    assert_eq!(given::code(edge, &key.secret), "REVOKED");
}

#[test]
fn a_deleted_key_is_gone_everywhere_and_its_audit_stays() {
    let fleet = Fleet::start(Options { edges: 2, faults: false, ..Options::default() });
    let org = given::org(fleet.edge(), json!({"deletion": true}));
    let key = org.key(json!({}));
    fleet.edges.iter().for_each(|edge| assert_eq!(given::code(edge, &key.secret), "VALID"));
    let gone = delete(&org, &key);
    assert_eq!((gone.status, gone.body.len()), (204, 0));
    for edge in &fleet.edges {
        let answer = given::ask(edge, &key.secret, json!({}));
        assert_eq!((&answer["code"], &answer["key"]), (&json!("NOT_FOUND"), &Value::Null));
    }
    assert_eq!((org.read(&key).status, delete(&org, &key).status, org.revoke(&key).status), (404, 404, 404));
    assert_eq!(org.edge.operator("GET", &org.path("/keys"), None).value()["items"], json!([]));
    let audit = org.audit();
    let actions: Vec<&str> = audit.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["key.deleted", "key.created", "org.created"]);
    assert_eq!(audit[0]["target"], json!({"type": "key", "id": key.id, "name": "Zapier", "prefix": key.record["prefix"]}));
}

#[test]
fn keys_are_kept_where_the_policy_does_not_let_them_go() {
    let org = given::org(shared().edge(), json!({}));
    let key = org.key(json!({}));
    let refused = delete(&org, &key);
    assert_eq!((refused.status, given::text(&refused.value()["code"])), (403, "POLICY_FORBIDS".into()));
    assert_eq!(given::code(org.edge, &key.secret), "VALID");
    assert_eq!(org.audit().len(), 2);
}

#[test]
fn a_deletion_may_name_the_version_it_is_meant_for() {
    let org = given::org(shared().edge(), json!({"deletion": true}));
    let key = org.key(json!({}));
    let operator = format!("Bearer {}", crate::runtime::OPERATOR_TOKEN);
    let path = org.path(&format!("/keys/{}", key.id));
    let delete = |tag: &str| org.edge.json("DELETE", &path, &[("authorization", &operator), ("if-match", tag)], None).status;
    assert_eq!((delete("\"2\""), delete("\"1\"")), (412, 204));
}

#[test]
fn a_deletion_that_cannot_be_published_is_finished_by_the_cron() {
    for faults in [json!({"guard": "fail"}), json!({"kv": {"delete": "fail"}})] {
        let fleet = Fleet::start(Options::default());
        let edge = fleet.edge();
        let org = given::org(edge, json!({"deletion": true}));
        let key = org.key(json!({}));
        assert_eq!(given::code(edge, &key.secret), "VALID");
        edge.faults(&faults);
        let unfinished = delete(&org, &key);
        assert_eq!((unfinished.status, given::text(&unfinished.value()["code"])), (503, "NOT_YET_IN_FORCE".into()));
        edge.faults(&json!({}));
        assert_eq!(fleet.scheduled().status, 200);
        assert_eq!(given::code(edge, &key.secret), "NOT_FOUND");
        // The cron took it off the outbox and the index: nothing is left to publish, nothing is found.
        edge.faults(&json!({}));
        assert_eq!(fleet.scheduled().status, 200);
        assert_eq!((edge.calls("guard.fetch"), edge.calls("kv.delete")), (0, 0));
    }
}
