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
    let log = given::Org { edge, id: given::text(&record["id"]) }.audit();
    assert_eq!(log[0]["changes"]["policy/key_prefix"], json!({"from": null, "to": "rak_live"}));
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

#[test]
fn a_patch_changes_what_it_names_at_once_for_every_key() {
    let edge = shared().edge();
    let org = given::org(edge, json!({"impersonation": true}));
    let key = org.key(json!({"permissions": ["leads:read", "leads:create"], "can_impersonate": true}));
    let question = json!({"permissions": "leads:create", "act_as": "user_42"});
    assert_eq!(given::ask(edge, &key.secret, question.clone())["code"], "VALID");
    let patch = |body: Value| edge.operator("PATCH", &org.path(""), Some(&body));

    let off = patch(json!({"policy": {"impersonation": false}}));
    assert_eq!((off.status, off.header("etag"), &off.value()["policy"]["impersonation"]), (200, Some("\"2\""), &json!(false)));
    assert!(off.value()["in_force_at"].is_string());
    assert_eq!(off.value()["policy"]["resources"][0]["name"], "leads", "what is not named stays");
    assert_eq!(given::ask(edge, &key.secret, question.clone())["code"], "IMPERSONATION_NOT_ALLOWED");

    let fewer = json!([{"name": "leads", "title": "Leads", "description": "", "actions": ["read"]}]);
    assert_eq!(patch(json!({"policy": {"resources": fewer}})).status, 200);
    let answer = given::ask(edge, &key.secret, json!({"permissions": "leads:create"}));
    assert_eq!((&answer["code"], &answer["key"]["permissions"]), (&json!("INSUFFICIENT_PERMISSIONS"), &json!(["leads:read"])));

    assert_eq!(patch(json!({"policy": {"requires_feature": "api"}})).status, 200);
    assert_eq!(given::code(edge, &key.secret), "ORG_DISABLED");
    assert_eq!(org.read(&key).status, 403);
    assert_eq!(patch(json!({"features": {"api": true}})).status, 200);
    assert_eq!(given::code(edge, &key.secret), "VALID");

    let limited = json!({"org_rate_limit": {"limit": 1, "window_seconds": 3600}});
    assert_eq!(patch(json!({ "policy": limited })).status, 200);
    assert_eq!((given::code(edge, &key.secret), given::code(edge, &key.secret)), ("VALID".into(), "RATE_LIMITED".into()));

    let entries: Vec<Value> = org.audit().into_iter().filter(|entry| entry["action"] == "org.updated").collect();
    assert_eq!(entries.len(), 5);
    assert_eq!(entries[4]["changes"], json!({"policy/impersonation": {"from": true, "to": false}}));
}

#[test]
fn a_patch_is_judged_as_a_whole_and_against_its_version() {
    let edge = shared().edge();
    let org = given::org(edge, json!({"routes": [{"path": "/v1/leads/*", "resource": "leads"}]}));
    let orphaned = edge.operator("PATCH", &org.path(""), Some(&json!({"policy": {"resources": []}})));
    assert_eq!((orphaned.status, &orphaned.value()["errors"][0]["pointer"]), (422, &json!("/policy/routes/0/resource")));
    let lockout =
        edge.operator("PATCH", &org.path(""), Some(&json!({"policy": {"roles": {"owner": null, "admin": null, "developer": null}}})));
    assert_eq!((lockout.status, &lockout.value()["errors"][0]["pointer"]), (422, &json!("/policy/roles")));
    let nothing = edge.operator("PATCH", &org.path(""), Some(&json!({"name": "Acme"})));
    assert_eq!((nothing.status, &nothing.value()["version"]), (200, &json!(1)));
    let operator = format!("Bearer {}", crate::runtime::OPERATOR_TOKEN);
    let with = |tag: &str| {
        edge.json("PATCH", &org.path(""), &[("authorization", &operator), ("if-match", tag)], Some(&json!({"name": "B"}))).status
    };
    assert_eq!((with("\"2\""), with("\"1\"")), (412, 200));
}

#[test]
fn of_simultaneous_patches_each_that_wins_has_its_entry() {
    let edge = shared().edge();
    let org = given::org(edge, json!({}));
    let path = &org.path("");
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let calls: Vec<_> =
            (0..6).map(|n| scope.spawn(move || edge.operator("PATCH", path, Some(&json!({"name": format!("by {n}")}))).status)).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert!(statuses.iter().all(|status| matches!(status, 200 | 409)), "{statuses:?}");
    let won = statuses.iter().filter(|status| **status == 200).count() as u64;
    assert_eq!(edge.operator("GET", &org.path(""), None).value()["version"], json!(1 + won));
    assert_eq!(org.audit().len() as u64, 1 + won);
}

#[test]
fn organizations_are_listed_newest_first() {
    let edge = shared().edge();
    let made: Vec<String> = (0..3).map(|_| given::org(edge, json!({})).id).collect();
    let mut seen: Vec<String> = Vec::new();
    let mut next = Some("/v1/orgs?limit=2".to_owned());
    while let Some(path) = next.take_if(|_| !made.iter().all(|id| seen.contains(id))) {
        let page = edge.operator("GET", &path, None);
        assert_eq!(page.status, 200, "{}", page.text());
        let body = page.value();
        seen.extend(body["items"].as_array().unwrap().iter().map(|org| given::text(&org["id"])));
        next = body["next_cursor"].as_str().map(|cursor| format!("/v1/orgs?limit=2&cursor={cursor}"));
    }
    let places: Vec<usize> = made.iter().map(|id| seen.iter().position(|other| other == id).expect("it is listed")).collect();
    assert!(places[0] > places[1] && places[1] > places[2], "{places:?}");
}

#[test]
fn the_catalog_is_listed() {
    let edge = shared().edge();
    let org = given::org(edge, json!({}));
    let catalog = edge.operator("GET", &org.path("/permissions"), None);
    assert_eq!(catalog.status, 200);
    assert_eq!(catalog.value()["resources"][0]["title"], "Leads");
    assert_eq!(catalog.value()["permissions"], json!(["leads:read", "leads:create", "leads:update", "leads:delete"]));
}
