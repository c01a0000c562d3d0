//! What is told of decisions: lines on the console of the real runtime, and points in a data set.

use crate::{
    client::{Edge, Response},
    given::{self, Key, Org, text},
    origin::{self, Origin},
    portal, provider,
    runtime::{Fleet, OPERATOR_TOKEN, Options},
    service_keys::service_key,
};
use latchkey::token::digest::Digest;
use serde_json::{Value, json};

const IMPORTED: &str = "Tr0ub4dor.3-of-another~shape";

fn fleet(settings: &[(&str, &str)], options: Options) -> Fleet {
    let vars = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Fleet::start(Options { vars, ..options })
}

fn request_id(answer: &Response) -> &str {
    answer.header("x-request-id").expect("a request id")
}

/// Forward auth asked with that in `Authorization`, and these fields.
fn auth(edge: &Edge, authorization: &str, fields: &[(&str, &str)]) -> Response {
    edge.send("GET", "/v1/auth", &[&[("authorization", authorization)], fields].concat(), None)
}

#[test]
fn each_surface_leaves_one_line_for_each_decision() {
    let origin = Origin::start();
    let fleet = origin.gateway(&[("DECISION_LOG", "all"), ("DECISION_LOG_IP", "full")]);
    let edge = fleet.edge();
    let org = given::org(edge, json!({"routes": [{"path": "/v1/*", "resource": "leads"}], "impersonation": true}));
    let key = org.key(json!({"can_impersonate": true}));
    let bearer = format!("Bearer {}", key.secret);
    let only = |answer: &Response| fleet.console.decisions_of(request_id(answer), 1)[0].clone();

    let verified = only(&given::ask_raw(edge, &key.secret, json!({"permissions": "leads:delete", "ip": "203.0.113.9", "cost": 3})));
    let known = json!({"type": "key", "id": key.id});
    for (name, value) in [
        ("surface", json!("verify")),
        ("outcome", json!("refused")),
        ("code", json!("INSUFFICIENT_PERMISSIONS")),
        ("missing", json!(["leads:delete"])),
        ("org_id", json!(org.id)),
        ("key_id", json!(key.id)),
        ("key_prefix", key.record["prefix"].clone()),
        ("actor", known.clone()),
        ("ip", json!("203.0.113.9")),
        ("method", Value::Null),
        ("cost", json!(3)),
    ] {
        assert_eq!(verified[name], value, "{name}");
    }
    let said_at = latchkey::base::time::Timestamp::parse(&text(&verified["time"])).expect("a time");
    assert!(said_at <= given::now());

    let questions = json!({"requests": [{"key": key.secret}, {"key": "nonsense"}, {"key": key.secret, "peek": true}]});
    let answer = edge.operator("POST", "/v1/verify/batch", Some(&questions));
    let mut batch = fleet.console.decisions_of(request_id(&answer), 3);
    batch.sort_by_key(|line| line["index"].as_u64());
    let seen: Vec<_> = batch.iter().map(|line| json!([line["surface"], line["index"], line["code"], line["peek"]])).collect();
    let expected = [
        json!(["verify_batch", 0, "VALID", false]),
        json!(["verify_batch", 1, "MALFORMED", false]),
        json!(["verify_batch", 2, "VALID", true]),
    ];
    assert_eq!(seen, expected);

    let fields = [("x-original-method", "POST"), ("x-original-uri", "/v1/leads?token=hidden"), ("latchkey-act-as", "user_42")];
    let authorized = only(&auth(edge, &bearer, &fields));
    let seen = ["surface", "code", "method", "path"].map(|name| &authorized[name]);
    assert_eq!(seen, ["forward_auth", "INSUFFICIENT_PERMISSIONS", "POST", "/v1/leads"]);
    assert_eq!(authorized["actor"], json!({"type": "user", "id": "user_42"}));

    let passed = origin::send(edge, "GET /v1/leads/7?token=hidden", &[("Authorization", &bearer)], "");
    let passed = only(&passed);
    let seen = ["surface", "outcome", "method", "path"].map(|name| &passed[name]);
    assert_eq!(seen, ["gateway", "admitted", "GET", "/v1/leads/7"]);

    let asked = only(&edge.send("GET", "/v1/whoami", &[("authorization", &bearer)], None));
    assert_eq!((&asked["surface"], &asked["peek"], &asked["path"]), (&json!("whoami"), &json!(true), &json!("/v1/whoami")));
    assert!(["strict", "leased"].map(Value::from).contains(&asked["freshness"]));
    assert_eq!(asked["actor"], known);

    // Seven decisions, and a marker after them: nothing was told twice, nor of anything else.
    let last = given::ask_raw(edge, "the-last-one", json!({}));
    assert_eq!(codes(&fleet.console.lines_with(|line| line.contains(request_id(&last)))).len(), 7 + 1);
}

/// Every kind of credential there is, and what of each may not be seen anywhere.
fn credentials(org: &Org<'_>) -> Vec<(&'static str, String)> {
    let edge = org.edge;
    let key = org.key(json!({}));
    let revoked = org.key(json!({}));
    assert_eq!(org.revoke(&revoked).status, 200);
    let (rest, last) = key.secret.split_at(key.secret.len() - 1);
    let mistyped = format!("{rest}{}", if last == "0" { "1" } else { "0" });
    let hash = format!("sha256:{}", Digest::of(IMPORTED).hex());
    let items = json!({"keys": [{"name": "Old", "hash": hash, "prefix": "old_", "permissions": ["leads:read"]}]});
    let imported = edge.operator("POST", &org.path("/keys/import"), Some(&items));
    assert_eq!(imported.status, 200, "{}", imported.text());
    let asked = portal::ask(org, "owner");
    let cookie = portal::sign_in(edge, &asked.link);
    let member = provider::shared().0.token(&provider::member(&org.id, "owner"));
    vec![
        ("a key", key.secret),
        ("a revoked key", revoked.secret),
        ("a mistyped key", mistyped),
        ("an imported key", IMPORTED.to_owned()),
        ("a credential of no shape", "pa55w0rd".to_owned()),
        ("a service key", service_key(edge, &["forward_auth"], json!({})).secret),
        ("the operator token", OPERATOR_TOKEN.to_owned()),
        ("a member token", member),
        ("a portal link", asked.link.trim_start_matches("/portal/").to_owned()),
        ("a portal cookie", cookie.split('=').next_back().expect("a value").to_owned()),
    ]
}

#[test]
fn no_line_has_a_secret_whatever_was_presented_and_wherever_it_is_repeated() {
    let origin = Origin::start();
    let fleet = origin.gateway(&[("DECISION_LOG", "all"), ("DECISION_LOG_IP", "full"), ("ACCEPT_X_API_KEY", "true")]);
    let edge = fleet.edge();
    let org = given::org(edge, json!({"routes": [{"path": "/v1/*", "resource": "leads"}]}));
    let credentials = credentials(&org);
    for (_, secret) in &credentials {
        // No user's id is longer.
        let user = secret.split_at_checked(200).map_or(secret.as_str(), |(user, _)| user);
        let bearer = format!("Bearer {secret}");
        let hidden: String = secret.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let long = format!("/v1/{}/{secret}", "x".repeat(295_usize.saturating_sub(secret.len() / 2)));
        for path in [format!("/v1/{secret}/x?key={secret}"), format!("/v1/{hidden}"), long] {
            let fields = [("x-original-method", secret.as_str()), ("x-original-uri", &path), ("latchkey-act-as", user)];
            auth(edge, &bearer, &fields);
            auth(edge, &bearer, &[("latchkey-service", secret), ("x-original-uri", &path)]);
            origin::send(edge, &format!("GET {path}"), &[("Authorization", &bearer)], "");
        }
        edge.send("GET", &format!("/v1/auth?permissions={secret}"), &[("x-api-key", secret)], None);
        edge.send("GET", &format!("/v1/whoami?key={secret}"), &[("authorization", &bearer)], None);
        let question = json!({"key": secret, "act_as": user, "permissions": ["leads:read"]});
        assert_eq!(edge.operator("POST", "/v1/verify", Some(&question)).status, 200);
        let batch = json!({"requests": [question, {"key": secret}]});
        assert_eq!(edge.operator("POST", "/v1/verify/batch", Some(&batch)).status, 200);
        edge.bearer(secret, "POST", "/v1/verify", Some(&json!({"key": secret})));
    }
    let last = given::ask_raw(edge, "the-last-one", json!({}));
    let lines = fleet.console.lines_with(|line| line.contains(request_id(&last)));
    let decided: Vec<Value> = lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    for surface in ["verify", "verify_batch", "forward_auth", "gateway", "whoami"] {
        assert!(decided.iter().filter(|line| line["surface"] == surface).count() >= credentials.len(), "{surface}");
    }
    for (kind, secret) in &credentials {
        let digest = Digest::of(secret).hex();
        // Half of it is too much as well.
        let (front, back) = secret.split_at(secret.len() / 2);
        let front = if kind.contains("key") && secret.contains('_') { secret } else { front };
        for part in [front, back, &digest] {
            let found = lines.iter().find(|line| line.contains(part));
            assert!(found.is_none(), "{kind}: {part} in {}", found.expect("a line"));
        }
    }
}

/// A line that is written whatever is logged of decisions: the next is not before it.
fn mark(fleet: &Fleet) -> Vec<String> {
    let edge = fleet.edge();
    edge.faults(&json!({"kv": {"get": "fail"}, "db": "fail"}));
    let answer = edge.operator("GET", "/v1/orgs", None);
    edge.faults(&json!({}));
    assert_eq!(answer.status, 503);
    fleet.console.lines_with(|line| line.contains(request_id(&answer)))
}

fn codes(lines: &[String]) -> Vec<String> {
    let lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["event"] == "decision").map(|line| text(&line["code"])).collect()
}

#[test]
fn the_setting_says_which_decisions_leave_a_line() {
    let both = |fleet: &Fleet, key: &Key| {
        assert_eq!(given::code(fleet.edge(), &key.secret), "VALID");
        assert_eq!(given::code(fleet.edge(), "nonsense"), "MALFORMED");
    };
    for (settings, expected) in [
        (vec![], vec![]),
        (vec![("DECISION_LOG", "off")], vec![]),
        (vec![("DECISION_LOG", "refused")], vec!["MALFORMED"]),
        (vec![("DECISION_LOG", "all"), ("DECISION_LOG_SAMPLE", "0")], vec!["MALFORMED"]),
        (vec![("DECISION_LOG", "all")], vec!["VALID", "MALFORMED"]),
    ] {
        let fleet = fleet(&settings, Options::default());
        let key = given::org(fleet.edge(), json!({})).key(json!({}));
        both(&fleet, &key);
        assert_eq!(codes(&mark(&fleet)), expected, "{settings:?}");
        assert_eq!(fleet.edge().get("/readyz").status, 200);
    }
}

#[test]
fn a_setting_that_cannot_be_read_is_told_by_readyz_and_logs_nothing() {
    let fleet = fleet(&[("DECISION_LOG", "all"), ("DECISION_LOG_SAMPLE", "5%")], Options::default());
    let ready = fleet.edge().get("/readyz");
    assert_eq!((ready.status, &ready.value()["checks"]["settings"]), (503, &json!("failed")));
    let lines = fleet.console.lines_with(|line| line.contains(request_id(&ready)));
    assert!(lines.iter().any(|line| line.contains("DECISION_LOG_SAMPLE must be a number from 0 to 1")), "{lines:?}");
    assert_eq!(given::code(fleet.edge(), "nonsense"), "MALFORMED");
    assert_eq!(codes(&mark(&fleet)), [""; 0]);
}

#[test]
fn an_address_is_told_as_its_network_unless_the_setting_says_otherwise() {
    for (setting, expected) in [(None, json!("203.0.113.0/24")), (Some("full"), json!("203.0.113.9")), (Some("off"), Value::Null)] {
        let settings: Vec<_> = [("DECISION_LOG", "all")].into_iter().chain(setting.map(|word| ("DECISION_LOG_IP", word))).collect();
        let fleet = fleet(&settings, Options { faults: false, ..Options::default() });
        let answer = given::ask_raw(fleet.edge(), "nonsense", json!({"ip": "203.0.113.9"}));
        assert_eq!(fleet.console.decisions_of(request_id(&answer), 1)[0]["ip"], expected, "{setting:?}");
    }
}

fn points(edge: &Edge) -> Vec<Value> {
    edge.get("/__faults/points").value()["points"].as_array().expect("points").clone()
}

#[test]
fn a_data_set_gets_a_point_for_each_decision_that_counts_and_never_stands_in_its_way() {
    let fleet = fleet(&[], Options { analytics: true, ..Options::default() });
    let edge = fleet.edge();
    let org = given::org(edge, json!({}));
    let key = org.key(json!({"consistency": "strict"}));
    edge.faults(&json!({}));
    assert_eq!(given::ask(edge, &key.secret, json!({"cost": 3}))["code"], "VALID");
    let fields = [("x-original-method", "GET"), ("x-original-uri", "/v1/leads")];
    assert_eq!(auth(edge, &format!("Bearer {}", key.secret), &fields).status, 200);
    assert_eq!(given::ask(edge, &key.secret, json!({"permissions": "leads:delete"}))["valid"], false);
    assert_eq!(given::code(edge, "nonsense"), "MALFORMED");
    given::ask(edge, &key.secret, json!({"peek": true}));
    let point = |org: &str, blobs: Value, doubles: Value| json!({"indexes": [org], "blobs": blobs, "doubles": doubles});
    let expected = [
        point(&org.id, json!(["VALID", key.id, "verify", "standard", "strict", ""]), json!([1, 3])),
        point(&org.id, json!(["VALID", key.id, "forward_auth", "standard", "strict", "GET"]), json!([1, 1])),
        point(&org.id, json!(["INSUFFICIENT_PERMISSIONS", key.id, "verify", "standard", "strict", ""]), json!([1, 0])),
        point("unknown", json!(["MALFORMED", "", "verify", "", "strict", ""]), json!([1, 0])),
    ];
    assert_eq!(points(edge), expected);
    for fault in ["fail", "lose"] {
        edge.faults(&json!({"analytics": fault}));
        let answer = given::ask_raw(edge, &key.secret, json!({}));
        assert_eq!((answer.status, &answer.value()["code"]), (200, &json!("VALID")), "{fault}");
        assert_eq!(edge.calls("analytics.writeDataPoint"), 1, "{fault}");
    }
    fleet.console.lines_with(|line| line.starts_with("ANALYTICS takes no points: ") && line.contains("injected fault"));
}

#[test]
fn a_whole_batch_stays_below_what_the_platform_takes_from_one_request() {
    let fleet = fleet(&[], Options { analytics: true, ..Options::default() });
    let edge = fleet.edge();
    edge.faults(&json!({}));
    let batch = json!({"requests": vec![json!({"key": "nonsense"}); 100]});
    assert_eq!(edge.operator("POST", "/v1/verify/batch", Some(&batch)).status, 200);
    assert_eq!(points(edge).len(), 100);
}
