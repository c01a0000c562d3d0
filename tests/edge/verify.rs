use crate::{given, runtime::shared};
use serde_json::{Value, json};

#[test]
fn a_good_key_is_answered_as_the_contract_shows() {
    let edge = shared().edge();
    let org = given::org(edge, json!({}));
    let key = org.key(json!({"metadata": {"team": "crm"}, "rate_limit": {"limit": 60, "window_seconds": 60}}));
    let answer = given::ask(edge, &key.secret, json!({"permissions": ["leads:read"]}));
    assert_eq!((&answer["valid"], &answer["code"]), (&json!(true), &json!("VALID")));
    assert_eq!(
        answer["key"],
        json!({"id": key.id, "org_id": org.id, "name": "Zapier", "prefix": key.record["prefix"], "kind": "standard",
               "permissions": ["leads:read"], "expires_at": null, "metadata": {"team": "crm"}})
    );
    assert_eq!(answer["actor"], json!({"type": "key", "id": key.id, "name": "Zapier", "via": null}));
    let rate = &answer["rate_limit"];
    assert_eq!(
        (&rate["limit"], &rate["window_seconds"], &rate["remaining"], &rate["retry_after_ms"]),
        (&json!(60), &json!(60), &json!(59), &Value::Null)
    );
    assert!(given::text(&rate["reset_at"]) > given::text(&key.record["created_at"]));
    assert!(given::text(&answer["request_id"]).starts_with("req_"));
}

#[test]
fn each_refusal_has_its_code_and_shows_a_known_key() {
    let edge = shared().edge();
    let org = given::org(edge, json!({}));
    let good = org.key(json!({}));
    let local = org.key(json!({"ip_allowlist": ["203.0.113.0/24", "2001:db8::/32"]}));
    let mistyped = format!("{}{}", &good.secret[..good.secret.len() - 1], if good.secret.ends_with('0') { '1' } else { '0' });
    let unknown = given::org(edge, json!({})).key(json!({})).secret;
    let revoked = org.key(json!({}));
    assert_eq!(org.revoke(&revoked).status, 200);
    for (secret, question, code) in [
        ("", json!({}), "MALFORMED"),
        ("nonsense", json!({}), "MALFORMED"),
        (mistyped.as_str(), json!({}), "MALFORMED"),
        (revoked.secret.as_str(), json!({"permissions": "leads:delete"}), "REVOKED"),
        (local.secret.as_str(), json!({}), "IP_NOT_ALLOWED"),
        (local.secret.as_str(), json!({"ip": "203.0.114.1", "permissions": "leads:delete"}), "IP_NOT_ALLOWED"),
        (local.secret.as_str(), json!({"ip": "::ffff:203.0.113.9"}), "VALID"),
        (local.secret.as_str(), json!({"ip": "2001:db8:1::9"}), "VALID"),
        (good.secret.as_str(), json!({"permissions": ["leads:read", "leads:delete"], "act_as": "user_42"}), "INSUFFICIENT_PERMISSIONS"),
        (good.secret.as_str(), json!({"act_as": "user_42"}), "IMPERSONATION_NOT_ALLOWED"),
        (unknown.as_str(), json!({}), "VALID"),
    ] {
        let answer = given::ask(edge, secret, question.clone());
        assert_eq!((&answer["code"], &answer["valid"]), (&json!(code), &json!(code == "VALID")), "{question}");
        assert_eq!(answer["key"].is_object(), code != "MALFORMED", "{question}");
    }
}

#[test]
fn a_well_formed_key_that_was_never_issued_is_not_found() {
    let vectors: Value = serde_json::from_str(include_str!("../vectors/keys.json")).unwrap();
    let vector = given::text(&vectors["well_formed"][0]["key"]);
    assert_eq!(given::code(shared().edge(), &vector), "NOT_FOUND");
}

#[test]
fn an_expiring_key_is_refused_from_its_instant_on() {
    let edge = shared().edge();
    let org = given::org(edge, json!({}));
    let end = given::now().plus_ms(1_500);
    let key = org.key(json!({"expires_at": end.to_string(), "rate_limit": null}));
    // Polled, not slept: each answer is held against the clock of the runtime, which is this machine's.
    loop {
        let before = given::now();
        let code = given::code(edge, &key.secret);
        if given::now() < end {
            assert_eq!(code, "VALID");
        } else if before >= end {
            assert_eq!(code, "EXPIRED");
            break;
        }
    }
    assert_eq!(org.read(&key).value()["status"], "expired");
}

#[test]
fn what_is_missing_is_named() {
    let edge = shared().edge();
    let key = given::org(edge, json!({})).key(json!({"permissions": ["leads:read", "leads:create"]}));
    for (requirement, missing) in [
        (json!("leads:delete"), json!(["leads:delete"])),
        (json!(["leads:read", "leads:update", "leads:delete"]), json!(["leads:delete", "leads:update"])),
        (json!({"any": ["leads:delete", "other:thing"]}), json!(["leads:delete", "other:thing"])),
        (json!({"all": ["leads:read", {"any": ["leads:create", "leads:delete"]}, "leads:update"]}), json!(["leads:update"])),
    ] {
        assert_eq!(given::ask(edge, &key.secret, json!({"permissions": requirement}))["missing"], missing);
    }
    assert_eq!(given::ask(edge, &key.secret, json!({"permissions": {"any": ["leads:delete", "leads:read"]}}))["valid"], true);
}

#[test]
fn a_peek_spends_nothing_and_a_refusal_spends_nothing() {
    let edge = shared().edge();
    let key = given::org(edge, json!({})).key(json!({"rate_limit": {"limit": 2, "window_seconds": 60}}));
    for _ in 0..5 {
        let peek = given::ask(edge, &key.secret, json!({"peek": true}));
        assert_eq!((&peek["code"], &peek["rate_limit"]["remaining"]), (&json!("VALID"), &json!(2)));
        assert_eq!(given::ask(edge, &key.secret, json!({"permissions": "leads:delete"}))["rate_limit"]["remaining"], 2);
    }
    assert_eq!(given::ask(edge, &key.secret, json!({}))["rate_limit"]["remaining"], 1);
    assert_eq!(given::ask(edge, &key.secret, json!({"peek": true, "cost": 2}))["code"], "RATE_LIMITED");
    assert_eq!(given::ask(edge, &key.secret, json!({}))["rate_limit"]["remaining"], 0);
}

#[test]
fn impersonation_names_the_user_and_the_key_behind() {
    let edge = shared().edge();
    let key = given::org(edge, json!({"impersonation": true})).key(json!({"can_impersonate": true}));
    let answer = given::ask(edge, &key.secret, json!({"act_as": "user_42"}));
    let via = json!({"type": "key", "id": key.id, "name": "Zapier"});
    assert_eq!(answer["actor"], json!({"type": "user", "id": "user_42", "via": via}));
}

#[test]
fn an_explanation_lists_every_check_in_order() {
    let edge = shared().edge();
    let key = given::org(edge, json!({})).key(json!({}));
    let outcomes = |question: Value| {
        let answer = given::ask(edge, &key.secret, question);
        let checks = answer["checks"].as_array().unwrap().clone();
        checks.iter().map(|check| (given::text(&check["check"]), given::text(&check["outcome"]))).collect::<Vec<_>>()
    };
    let denied = outcomes(json!({"explain": true, "permissions": "leads:delete"}));
    let names: Vec<&str> = denied.iter().map(|(check, _)| check.as_str()).collect();
    assert_eq!(names, ["format", "existence", "revocation", "expiry", "organization", "address", "permissions", "impersonation", "rate"]);
    assert_eq!(denied[6].1, "failed");
    assert_eq!(denied[8].1, "skipped");
    assert_eq!(outcomes(json!({"explain": true}))[8].1, "passed");
}
