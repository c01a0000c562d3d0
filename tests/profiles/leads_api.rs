//! Leads: a feature flag of the operator, CRUD permissions, revocation with a way back, deletion, keys from the docs.

use latchkey::{
    base::time::Timestamp,
    token::{digest::Digest, format::Key as Parsed},
};
use serde_json::{Value, json};

use crate::{
    given::{self, Key, text},
    story::{Customer, Member, Role, assert_bad_field, door, edge, made, opens, refusal},
};

const CRUD: [&str; 4] = ["leads:read", "leads:create", "leads:update", "leads:delete"];

#[test]
fn leads_api_switches_edits_takes_back_and_removes_keys() {
    let customer = Customer::open("Leads", "leads-api", json!({}));
    nothing_is_managed_before_the_operator_switches_the_feature_on(&customer);
    keys_have_the_shape_that_their_users_know(&customer);
    nothing_is_ticked_at_first_and_each_action_stands_alone(&customer);
    name_and_permissions_are_edited_and_the_expiry_is_not(&customer);
    a_revoked_key_stays_in_the_list_and_comes_back(&customer);
    the_feature_switches_every_key_off_and_on(&customer);
    a_deleted_key_is_gone_but_not_from_the_audit_log(&customer);
    the_docs_hand_out_keys_for_an_hour(&customer);
    keys_of_the_old_system_go_on_working(&customer);
    only_who_has_developer_permission_manages_keys(&customer);
    without_the_feature_no_member_manages_keys_nor_switches_it_on(&customer);
    each_member_has_as_many_docs_keys_as_the_next(&customer);
    customer.offers_no_impersonation();
}

fn switch(customer: &Customer, on: bool) {
    let switched = customer.call("PATCH", "", Some(json!({"features": {"developer_api": on}})));
    assert_eq!((switched.status, &switched.value()["features"]["developer_api"]), (200, &json!(on)), "{}", switched.text());
}

fn nothing_is_managed_before_the_operator_switches_the_feature_on(customer: &Customer) {
    let disabled = (403, "FEATURE_DISABLED".to_owned());
    assert_eq!(refusal(&customer.org.create(&json!({"name": "Too early"}))), disabled);
    assert_eq!(refusal(&customer.call("GET", "/keys", None)), disabled);
    assert_eq!(refusal(&customer.call("POST", "/playground-keys", None)), disabled);
    switch(customer, true);
    assert!(customer.list("").is_empty(), "no key came of it");
}

fn keys_have_the_shape_that_their_users_know(customer: &Customer) {
    let key = customer.key(json!({"name": "Zapier", "permissions": ["leads:read"]}));
    let parts: Vec<&str> = key.secret.split('_').collect();
    assert_eq!((parts[0], parts[1].len(), parts[2].len(), parts.len()), ("sk", 8, 32, 3));
    let row = customer.row(&key);
    assert_eq!((&row["name"], &row["prefix"]), (&json!("Zapier"), &json!(key.secret[..14])));
    assert_eq!((&row["rate_limit"], &row["ip_allowlist"]), (&json!({"limit": 60, "window_seconds": 60}), &json!([])));
    assert!(!row.to_string().contains(&key.secret[14..]), "the secret was shown once");
    let long = "ü".repeat(100);
    assert_eq!(customer.row(&customer.key(json!({"name": long})))["name"], json!(long), "100 characters are a name");
    for bad in ["ü".repeat(101), String::new(), "  ".to_owned()] {
        assert_bad_field(&customer.org.create(&json!({"name": bad})), "/name");
    }
}

fn nothing_is_ticked_at_first_and_each_action_stands_alone(customer: &Customer) {
    let all = customer.permissions();
    assert_eq!(all, CRUD);
    let bare = customer.key(json!({"name": "Unticked"}));
    assert_eq!(bare.record["permissions"], json!([]));
    assert!(opens(&bare, &all).is_empty());
    for action in CRUD {
        assert_eq!(opens(&customer.roomy_key(action, &[action]), &all), [action]);
    }
}

fn name_and_permissions_are_edited_and_the_expiry_is_not(customer: &Customer) {
    let expires_at = given::now().plus_ms(86_400_000).to_string();
    let key = customer.key(json!({"name": "Sync", "permissions": ["leads:read", "leads:delete"], "expires_at": expires_at}));
    let edited = customer.done("PATCH", &key, "", Some(json!({"name": "CRM sync", "permissions": ["leads:create"]})));
    assert_eq!((&edited["name"], &edited["permissions"]), (&json!("CRM sync"), &json!(["leads:create"])));
    assert_eq!(opens(&key, &customer.permissions()), ["leads:create"], "in force at once, for the same secret");
    for moved in [json!(given::now().plus_ms(3_600_000).to_string()), Value::Null, json!(expires_at)] {
        let refused = customer.step("PATCH", &key, "", Some(json!({"name": "Immortal", "expires_at": moved})));
        assert_bad_field(&refused, "/expires_at");
    }
    let row = customer.row(&key);
    assert_eq!((&row["name"], &row["expires_at"], &row["prefix"]), (&json!("CRM sync"), &json!(expires_at), &key.record["prefix"]));
    assert_eq!(customer.history(&key), ["key.created", "key.updated"]);
}

fn a_revoked_key_stays_in_the_list_and_comes_back(customer: &Customer) {
    let key = customer.roomy_key("Suspicious", &["leads:read"]);
    assert_eq!(given::code(edge(), &key.secret), "VALID");
    customer.done("POST", &key, "/revoke", Some(json!({"reason": "looking into it"})));
    assert_eq!(given::code(edge(), &key.secret), "REVOKED");
    let refused = door(&key, "/v1/auth", &[]);
    assert_eq!(refusal(&refused), (401, "REVOKED".into()));
    assert!(refused.header("www-authenticate").unwrap().contains("error=\"invalid_token\""));
    assert_eq!(customer.listed("?status=revoked"), [key.id.as_str()]);
    let edit = customer.step("PATCH", &key, "", Some(json!({"name": "Edited"})));
    assert_eq!(refusal(&edit), (409, "ILLEGAL_TRANSITION".into()), "a revoked key is not edited");

    let back = customer.done("POST", &key, "/reactivate", None);
    assert_eq!((&back["status"], &back["revoked_at"], &back["revocation_reason"]), (&json!("active"), &Value::Null, &Value::Null));
    assert_eq!(given::ask(edge(), &key.secret, json!({"permissions": "leads:read"}))["code"], "VALID", "with what it had");
    assert!(customer.listed("?status=revoked").is_empty());
    assert_eq!(refusal(&customer.step("POST", &key, "/reactivate", None)), (409, "ILLEGAL_TRANSITION".into()));
    assert_eq!(customer.history(&key), ["key.created", "key.revoked", "key.reactivated"]);
}

fn the_feature_switches_every_key_off_and_on(customer: &Customer) {
    let key = customer.roomy_key("Newsletter", &["leads:read"]);
    assert_eq!(given::code(edge(), &key.secret), "VALID");
    switch(customer, false);
    assert_eq!(given::code(edge(), &key.secret), "ORG_DISABLED");
    assert_eq!(refusal(&door(&key, "/v1/auth", &[])), (401, "ORG_DISABLED".into()));
    for (method, step, body) in [
        ("GET", "", None),
        ("PATCH", "", Some(json!({"name": "Edited"}))),
        ("DELETE", "", None),
        ("POST", "/revoke", None),
        ("POST", "/reactivate", None),
        ("POST", "/rotate", Some(json!({"overlap_seconds": 0}))),
    ] {
        assert_eq!(refusal(&customer.step(method, &key, step, body)), (403, "FEATURE_DISABLED".into()), "{method} {step}");
    }
    switch(customer, true);
    assert_eq!(given::code(edge(), &key.secret), "VALID");
    assert_eq!(customer.history(&key), ["key.created"], "nothing of it was done");
}

fn a_deleted_key_is_gone_but_not_from_the_audit_log(customer: &Customer) {
    let key = customer.roomy_key("Pilot", &["leads:read"]);
    assert_eq!(given::code(edge(), &key.secret), "VALID");
    customer.done("POST", &key, "/revoke", None);
    let deleted = customer.step("DELETE", &key, "", None);
    assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    assert_eq!(given::code(edge(), &key.secret), "NOT_FOUND");
    assert_eq!(refusal(&door(&key, "/v1/auth", &[])), (401, "NOT_FOUND".into()));
    assert_eq!(refusal(&customer.org.read(&key)), (404, "NOT_FOUND".into()));
    assert_eq!(refusal(&customer.step("DELETE", &key, "", None)), (404, "NOT_FOUND".into()));
    assert!(!customer.listed("?limit=100").contains(&key.id));
    assert_eq!(customer.history(&key), ["key.created", "key.revoked", "key.deleted"]);
    let target = customer.org.audit().into_iter().find(|entry| entry["action"] == "key.deleted").unwrap()["target"].clone();
    assert_eq!(target, json!({"type": "key", "id": key.id, "name": "Pilot", "prefix": key.record["prefix"]}));
}

fn the_docs_hand_out_keys_for_an_hour(customer: &Customer) {
    let ask_for_one = || customer.call("POST", "/playground-keys", None);
    let keys: Vec<Key> = (0..5).map(|_| made(&ask_for_one())).collect();
    let row = customer.row(&keys[0]);
    assert_eq!((&row["name"], &row["kind"]), (&json!("Docs playground (temp)"), &json!("playground")));
    assert_eq!(row["permissions"], json!(CRUD));
    let moment = |field: &str| Timestamp::parse(row[field].as_str().unwrap()).unwrap().ms();
    assert_eq!(moment("expires_at") - moment("created_at"), 3_600_000);
    assert_eq!(opens(&keys[0], &customer.permissions()), CRUD);

    let newest_first: Vec<String> = keys.iter().rev().map(|key| key.id.clone()).collect();
    assert_eq!(customer.listed("?kind=playground"), newest_first);
    assert_eq!(customer.listed("?limit=5"), newest_first, "in the same list as all others");
    assert!(customer.listed("?kind=standard&limit=100").iter().all(|id| !newest_first.contains(id)));

    assert_eq!(refusal(&ask_for_one()), (409, "TOO_MANY_PLAYGROUND_KEYS".into()));
    let (edit, rotate) = (json!({"permissions": []}), json!({"overlap_seconds": 0}));
    assert_eq!(refusal(&customer.step("PATCH", &keys[1], "", Some(edit))), (403, "POLICY_FORBIDS".into()));
    assert_eq!(refusal(&customer.step("POST", &keys[1], "/rotate", Some(rotate))), (403, "POLICY_FORBIDS".into()));
    customer.done("POST", &keys[0], "/revoke", None);
    assert_eq!(given::code(edge(), &keys[0].secret), "REVOKED", "early");
    assert_eq!(given::code(edge(), &keys[1].secret), "VALID");
    made(&ask_for_one());
    assert_eq!(refusal(&ask_for_one()), (409, "TOO_MANY_PLAYGROUND_KEYS".into()));
    assert_eq!(customer.history(&keys[0]), ["playground_key.created", "key.revoked"]);
}

fn keys_of_the_old_system_go_on_working(customer: &Customer) {
    let (shaped, opaque) = ("sk_9hT3kQwz_Zx81LmNoPqRsTuVwXyZaBcDeFgHiJkLm", "legacy-leads-7f3c1b");
    assert!(shaped.len() == 44 && Parsed::parse(shaped).is_err(), "the shape is right, a checksum was never in it");
    for old in [shaped, opaque] {
        assert_eq!(given::code(edge(), old), "MALFORMED", "unknown before the move");
    }
    let hash = |old: &str| format!("sha256:{}", Digest::of(old).hex());
    let answer = customer.call(
        "POST",
        "/keys/import",
        Some(json!({"keys": [
            {"name": "Old Zapier", "hash": hash(shaped), "prefix": shaped[..14], "permissions": ["leads:read"]},
            {"name": "", "hash": "md5:0123", "prefix": "sk_", "permissions": ["leads:fly"]},
            {"name": "Older script", "hash": hash(opaque), "prefix": "legacy-", "permissions": ["leads:create"]},
            {"name": "Twice", "hash": hash(shaped), "prefix": "sk_twice"}
        ]})),
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    let results = answer.value()["results"].as_array().unwrap().clone();
    assert_eq!(results.iter().map(|result| &result["index"]).collect::<Vec<_>>(), [0, 1, 2, 3]);
    let bad = &results[1]["error"];
    let pointers: Vec<String> = bad["errors"].as_array().unwrap().iter().map(|error| text(&error["pointer"])).collect();
    assert_eq!((&bad["status"], &bad["code"]), (&json!(422), &json!("VALIDATION_FAILED")));
    assert_eq!(pointers, ["/keys/1/name", "/keys/1/permissions/0", "/keys/1/hash"]);
    assert_eq!((&results[3]["error"]["status"], &results[3]["error"]["code"]), (&json!(409), &json!("CONFLICT")));

    for (result, old, prefix, granted) in
        [(&results[0], shaped, &shaped[..14], "leads:read"), (&results[2], opaque, "legacy-", "leads:create")]
    {
        let key = Key { id: text(&result["key"]["id"]), secret: old.to_owned(), record: result["key"].clone() };
        assert_eq!(customer.row(&key)["prefix"], prefix);
        assert_eq!(opens(&key, &customer.permissions()), [granted], "the key that its user has");
        assert_eq!(door(&key, "/v1/auth", &[]).header("latchkey-key-id"), Some(key.id.as_str()));
        assert_eq!(customer.history(&key), ["key.imported"]);
    }
    let zapier = Key { id: text(&results[0]["key"]["id"]), secret: shaped.to_owned(), record: Value::Null };
    customer.done("POST", &zapier, "/revoke", None);
    assert_eq!(given::code(edge(), shaped), "REVOKED", "from here on as any other");
    let mistyped = format!("{}n", &shaped[..43]);
    assert_eq!(given::code(edge(), &mistyped), "MALFORMED");
}

fn only_who_has_developer_permission_manages_keys(customer: &Customer) {
    customer.has_roles(&[
        Role { name: "owner", manages: true, reads: &["keys:read", "audit:read"] },
        Role { name: "developer", manages: true, reads: &["keys:read", "audit:read"] },
        Role { name: "member", manages: false, reads: &[] },
    ]);
    let developer = customer.member("Dev", "developer");
    let key = made(&developer.create("Dev's"));
    for (method, step, body, status) in [
        ("PATCH", "", Some(json!({"name": "CRM", "permissions": ["leads:create"]})), 200),
        ("POST", "/revoke", None, 200),
        ("POST", "/reactivate", None, 200),
        ("DELETE", "", None, 204),
    ] {
        assert_eq!(developer.call(method, &format!("/keys/{}{step}", key.id), body).status, status, "{method} {step}");
    }
    let log = customer.org.audit_of(&json!(key.id));
    assert!(log.len() == 5 && log.iter().all(|entry| entry["actor"] == developer.actor), "{log:?}");
    customer.lets_nobody_in_as("admin");
}

fn without_the_feature_no_member_manages_keys_nor_switches_it_on(customer: &Customer) {
    let [owner, developer, member] = ["owner", "developer", "member"].map(|role| customer.member(role, role));
    let key = customer.roomy_key("Waiting", &["leads:read"]);
    let path = format!("/keys/{}", key.id);
    switch(customer, false);
    let log = customer.org.audit();
    for somebody in [&owner, &developer] {
        for (method, path, body) in [
            ("GET", "/keys", None),
            ("GET", path.as_str(), None),
            ("POST", "/keys", Some(json!({"name": "Too early"}))),
            ("PATCH", path.as_str(), Some(json!({"name": "Edited"}))),
            ("POST", &format!("{path}/revoke"), None),
            ("DELETE", path.as_str(), None),
            ("POST", "/playground-keys", None),
        ] {
            assert_eq!(refusal(&somebody.call(method, path, body)), (403, "FEATURE_DISABLED".into()), "{} {method} {path}", somebody.actor);
        }
        somebody.rules_nothing();
    }
    assert_eq!(refusal(&member.create("Too early")), (403, "FORBIDDEN".into()), "who may not, may not either way");
    member.rules_nothing();
    assert_eq!(customer.org.audit(), log, "nothing changed");
    switch(customer, true);
    assert_eq!(customer.org.read(&key).value(), key.record);
    developer.manages_keys();
}

fn each_member_has_as_many_docs_keys_as_the_next(customer: &Customer) {
    let (ann, bob) = (customer.member("Ann", "developer"), customer.member("Bob", "developer"));
    let ask_for_one = |member: &Member<'_>| member.call("POST", "/playground-keys", None);
    let too_many = (409, "TOO_MANY_PLAYGROUND_KEYS".to_owned());
    let handed_out = |member: &Member<'_>| -> Vec<Key> { (0..5).map(|_| made(&ask_for_one(member))).collect() };
    let anns = handed_out(&ann);
    assert_eq!(refusal(&ask_for_one(&ann)), too_many);
    let bobs = handed_out(&bob);
    assert_eq!((refusal(&ask_for_one(&bob)), refusal(&ask_for_one(&ann))), (too_many.clone(), too_many.clone()));
    let again = customer.member("Ann", "developer");
    assert_eq!(refusal(&ask_for_one(&again)), too_many, "another session is the same person");
    for (member, keys) in [(&ann, &anns), (&bob, &bobs)] {
        assert!(keys.iter().all(|key| key.record["created_by"] == member.actor));
    }

    let ended = ann.call("POST", &format!("/keys/{}/revoke", anns[0].id), None);
    assert_eq!((ended.status, &ended.value()["revoked_by"]), (200, &ann.actor), "{}", ended.text());
    assert_eq!((given::code(edge(), &anns[0].secret), given::code(edge(), &anns[1].secret)), ("REVOKED".into(), "VALID".into()));
    let log = customer.org.audit_of(&json!(anns[0].id));
    let entries: Vec<_> = log.iter().rev().map(|entry| (text(&entry["action"]), &entry["actor"])).collect();
    assert_eq!(entries, ["playground_key.created", "key.revoked"].map(|action| (action.to_owned(), &ann.actor)));
    assert_eq!(refusal(&ask_for_one(&bob)), too_many, "the room is Ann's");
    made(&ask_for_one(&ann));
    assert_eq!(refusal(&ask_for_one(&ann)), too_many);
    let member = customer.member("Mia", "member");
    assert_eq!(refusal(&ask_for_one(&member)), (403, "FORBIDDEN".into()), "the docs hand out none to who manages none");
}
