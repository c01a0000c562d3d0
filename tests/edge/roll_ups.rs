//! What lists, rankings, tables and the audit log tell of the use of keys, a minute late at most.

use std::{thread, time::Duration};

use serde_json::{Value, json};

use crate::{
    client::{Edge, Response},
    given::{self, Key, Org},
    load,
    origin::{self, play},
    restart::{ledger_file, run_sql},
    runtime::{Fleet, Options, shared},
    usage::usage_when,
};

/// Rolling up takes half a minute; what fails is tried again after as long.
const PATIENCE: Duration = Duration::from_secs(150);

fn bearing(org: &Org<'_>, rest: &str) -> Value {
    let answer = org.edge.operator("GET", &org.path(rest), None);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.value()
}

/// What the path answers once it is as expected; the last answer otherwise.
fn when(org: &Org<'_>, rest: &str, is_expected: impl Fn(&Value) -> bool) -> Value {
    let begun = load::moment();
    loop {
        let value = bearing(org, rest);
        if is_expected(&value) || begun.elapsed() > PATIENCE {
            return value;
        }
        thread::sleep(Duration::from_millis(200));
    }
}

fn csv(edge: &Edge, path: &str) -> Response {
    let operator = format!("Bearer {}", crate::runtime::OPERATOR_TOKEN);
    edge.send("GET", path, &[("authorization", &operator), ("accept", "text/csv")], None)
}

fn ask(org: &Org<'_>, key: &Key, times: u32, question: &Value) {
    (0..times).for_each(|_| drop(given::ask(org.edge, &key.secret, question.clone())));
}

#[test]
fn a_list_tells_of_each_key_what_was_asked_and_what_it_could_do_without() {
    let org = given::org(shared().edge(), json!({}));
    let [busy, idle, quiet] =
        ["busy", "idle", "quiet"].map(|name| org.key(json!({"name": name, "permissions": ["leads:read", "leads:update"]})));
    ask(&org, &busy, 3, &json!({"permissions": "leads:read"}));
    ask(&org, &busy, 2, &json!({"permissions": "leads:delete"}));
    ask(&org, &quiet, 1, &json!({}));
    let of = |list: &Value, key: &Key| {
        list["items"].as_array().expect("a list").iter().find(|item| item["id"] == key.id.as_str()).cloned().expect("the key")
    };
    let list = when(&org, "/keys", |list| {
        of(list, &busy)["usage"]["last_24h"]["requests"] == 5 && of(list, &quiet)["usage"]["last_30d"]["requests"] == 1
    });
    let told = of(&list, &busy);
    for span in ["last_24h", "last_7d", "last_30d"] {
        assert_eq!(told["usage"][span], json!({"requests": 5, "allowed": 3, "denied": 2}), "{span}");
    }
    assert!(told["usage"]["as_of"].as_str() >= told["last_used_at"].as_str() && told["last_used_at"].is_string());
    assert_eq!(told["secrets"][0]["last_used_at"], told["last_used_at"]);
    assert_eq!(told["insights"], json!({"never_used": false, "unused_permissions": ["leads:update"], "observed_from": told["created_at"]}));
    let never = of(&list, &idle);
    assert_eq!(
        (&never["insights"]["never_used"], &never["usage"]["as_of"], &never["last_used_at"]),
        (&json!(true), &Value::Null, &Value::Null)
    );
    assert_eq!(org.read(&busy).value()["usage"]["last_24h"], told["usage"]["last_24h"], "the record tells it as well");
    let order: Vec<Value> =
        bearing(&org, "/keys?sort=-last_used_at")["items"].as_array().expect("a list").iter().map(|item| item["name"].clone()).collect();
    assert_eq!(order[2], "idle");

    let all = bearing(&org, "/usage");
    assert_eq!(all["last_24h"]["by_code"], json!({"VALID": 4, "INSUFFICIENT_PERMISSIONS": 2}));
    let top: Vec<_> =
        all["top_keys"].as_array().expect("a list").iter().map(|top| (top["key"]["name"].clone(), top["requests"].clone())).collect();
    assert_eq!(top, [(json!("busy"), json!(5)), (json!("quiet"), json!(1))]);
    assert_eq!((&all["unreported"], all["top_keys"][0]["last_used_at"].is_string()), (&json!([]), true));
    // A change of the key leaves what is known of its use.
    let path = org.path(&format!("/keys/{}", busy.id));
    assert_eq!(org.edge.operator("PATCH", &path, Some(&json!({"name": "busier"}))).status, 200);
    assert_eq!(org.read(&busy).value()["secrets"], told["secrets"]);
}

#[test]
fn usage_and_activity_come_as_tables_too() {
    let org = given::org(shared().edge(), json!({"impersonation": true}));
    let key = org.key(json!({"can_impersonate": true}));
    ask(&org, &key, 2, &json!({"act_as": "=cmd()", "ip": "203.0.113.9"}));
    usage_when(&org, &key, |value| value["last_24h"]["requests"] == 2);
    let told = csv(org.edge, &org.path(&format!("/keys/{}/usage?range=7d", key.id)));
    assert_eq!(
        (told.status, told.header("content-type"), told.header("vary")),
        (200, Some("text/csv; charset=utf-8; header=present"), Some("Accept"))
    );
    let rows: Vec<String> = told.text().split("\r\n").map(str::to_owned).collect();
    assert_eq!((rows[0].as_str(), rows.len()), ("start_at,allowed,denied", 1 + 168 + 1));
    assert!(rows[168].ends_with(",2,0"), "{}", rows[168]);
    let activity = csv(org.edge, &org.path(&format!("/keys/{}/activity", key.id))).text();
    let lines: Vec<&str> = activity.split("\r\n").collect();
    assert_eq!(lines[0], "time,method,path,ip,code,actor_type,actor_id");
    assert!(lines[1].ends_with(",,,203.0.113.9,VALID,user,\"'=cmd()\"") && lines.len() == 4, "{activity}");
    let of_org = csv(org.edge, &org.path("/usage"));
    assert_eq!((of_org.status, of_org.text().lines().count()), (200, 25));
    let long = bearing(&org, &format!("/keys/{}/usage?range=400d", key.id));
    let series = long["series"].as_array().expect("a series");
    assert_eq!((series.len(), series[399]["allowed"].as_u64().unwrap_or(0) + series[398]["allowed"].as_u64().unwrap_or(0)), (400, 2));
    for query in ["?range=1y", "?range=", "?from=2030-01-01"] {
        assert_eq!(org.edge.operator("GET", &org.path(&format!("/usage{query}")), None).status, 422, "{query}");
    }
    assert_eq!(org.edge.operator("GET", "/v1/orgs/org_01q9gd6e000w3ge1r70w3ge1r0/usage", None).status, 404);
}

#[test]
fn what_is_done_for_a_user_is_in_the_audit_log_though_the_key_is_deleted_at_once() {
    let org = given::org(shared().edge(), json!({"impersonation": true, "deletion": true}));
    let key = org.key(json!({"name": "Zapier", "can_impersonate": true}));
    let authorization = format!("Bearer {}", key.secret);
    let act = |user: &str, path: &str| {
        let headers =
            [("authorization", authorization.as_str()), ("x-original-method", "GET"), ("x-original-uri", path), ("latchkey-act-as", user)];
        assert_eq!(org.edge.send("GET", "/v1/auth", &headers, None).status, 200);
    };
    for (user, path) in [("user_42", "/leads"), ("user_42", "/leads?page=2"), ("user_7", "/leads"), ("user_42", "/jobs")] {
        act(user, path);
    }
    assert_eq!(org.edge.operator("DELETE", &org.path(&format!("/keys/{}", key.id)), None).status, 204);
    let log = when(&org, "/audit?action=key.impersonated", |log| log["items"].as_array().map_or(0, Vec::len) == 3);
    let told = |entry: &Value| {
        (given::text(&entry["actor"]["id"]), given::text(&entry["changes"]["path"]["to"]), entry["changes"]["requests"]["to"].clone())
    };
    let mut all: Vec<_> = log["items"].as_array().expect("a list").iter().map(told).collect();
    all.sort_by_key(|(user, path, _)| (user.clone(), path.clone()));
    let one = |user: &str, path: &str, count: u64| (user.to_owned(), path.to_owned(), json!(count));
    assert_eq!(all, [one("user_42", "/jobs", 1), one("user_42", "/leads", 2), one("user_7", "/leads", 1)]);
    let entry = &log["items"][0];
    assert_eq!(
        (&entry["actor"]["type"], &entry["target"]["name"], &entry["target"]["id"]),
        (&json!("user"), &json!("Zapier"), &json!(key.id))
    );
    assert!(!log.to_string().contains(&key.secret));
}

#[test]
fn the_gateway_counts_how_the_origin_answered() {
    let (_, fleet) = origin::shared();
    let org = origin::org(fleet.edge());
    let key = org.key(json!({"permissions": ["leads:read"]}));
    for status in [200, 204, 302, 404, 503] {
        let case = origin::case();
        assert_eq!(play(fleet.edge(), &key, "GET /v1/leads", &case, &json!({"status": status}), "").status, status);
    }
    let expected = json!({"2xx": 2, "3xx": 1, "4xx": 1, "5xx": 1});
    let value = usage_when(&org, &key, |value| value["last_24h"]["by_origin_status"] == expected);
    assert_eq!((&value["last_24h"]["by_origin_status"], &value["last_24h"]["requests"]), (&expected, &json!(5)));
    let all = when(&org, "/usage", |value| value["last_7d"]["by_origin_status"] == expected);
    assert_eq!(all["last_7d"]["by_origin_status"], expected);
}

#[test]
fn what_the_truth_did_not_take_is_told_again_and_the_cron_forgets_what_is_too_old() {
    let fleet = Fleet::start(Options { faults: true, keep_state: true, ..Options::default() });
    let org = given::org(fleet.edge(), json!({}));
    let [key, old] = [org.key(json!({})), org.key(json!({"name": "old"}))];
    ask(&org, &key, 4, &json!({}));
    ask(&org, &old, 1, &json!({}));
    // Some attempts never arrive, of others the answers are lost.
    for mode in ["fail", "lose"] {
        fleet.edge().faults(&json!({"objects": {"db": {"batch": {"mode": mode, "times": 3}}}}));
        when(&org, "/keys", |_| fleet.edge().calls("objects.db.batch") >= 3);
    }
    fleet.edge().faults(&json!({}));
    let is_told = |list: &Value| list["items"].as_array().expect("a list").iter().all(|item| item["usage"]["last_24h"]["requests"] != 0);
    let list = when(&org, "/keys", is_told);
    assert!(is_told(&list), "{list}");
    let known = |key: &Key| org.read(key).value()["usage"]["last_24h"]["requests"].clone();
    assert_eq!((known(&key), known(&old)), (json!(4), json!(1)));
    // Long ago, one of them.
    let statement = format!("UPDATE key_usage SET as_of = 1 WHERE key_id = '{}'", old.id);
    assert_eq!(run_sql(&ledger_file(&fleet), &statement), "");
    for _ in 0..2 {
        assert_eq!(fleet.scheduled().status, 200);
        assert_eq!((known(&key), org.read(&old).value()["usage"]["as_of"].clone()), (json!(4), Value::Null));
    }
}
