//! `GET /metrics`, read by a strict reader of OpenMetrics text, against keys that change in every way that they can.

use std::collections::BTreeMap;

use crate::{
    client::Edge,
    given, portal,
    restart::{ledger_file, run_sql},
    runtime::{Fleet, Options},
    service_keys::service_key,
};
use latchkey::token::digest::Digest;
use serde_json::json;

/// Samples by name and labels, as they stand in the text.
type Samples = BTreeMap<String, f64>;

/// Reads a text as the specification's grammar has it, strictly: one space, families whole and once, units in names, counters
/// that end in `_total`, no sample twice, the end at the end.
fn read(text: &str) -> Samples {
    let body = text.strip_suffix("# EOF\n").expect("it ends with the mark of the end");
    let mut samples = Samples::new();
    let mut families: Vec<(&str, &str)> = Vec::new();
    let is_name = |name: &str| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && name.starts_with(|first: char| first.is_ascii_alphabetic())
    };
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# ") {
            let mut words = rest.splitn(3, ' ');
            let (what, name, rest) = (words.next().unwrap(), words.next().unwrap(), words.next().expect(line));
            assert!(is_name(name), "{line}");
            match what {
                "TYPE" => {
                    assert!(["info", "gauge", "counter"].contains(&rest), "{line}");
                    assert!(families.iter().all(|(known, _)| *known != name), "{name} stands twice");
                    families.push((name, rest));
                }
                "UNIT" => assert!(name.ends_with(&format!("_{rest}")), "{line}"),
                "HELP" => assert!(!rest.is_empty()),
                other => panic!("{other} is no descriptor"),
            }
            assert_eq!(families.last().map(|(name, _)| *name), Some(name), "{line}: descriptors stand before their family");
            continue;
        }
        let (key, value) = line.rsplit_once(' ').expect(line);
        let name = key.split('{').next().unwrap();
        let (family, kind) = families.last().expect("a family before its samples");
        let suffix = match *kind {
            "info" => "_info",
            "counter" => "_total",
            _ => "",
        };
        assert_eq!(name, format!("{family}{suffix}"), "{line}");
        if let Some(labels) = key.strip_prefix(name).filter(|labels| !labels.is_empty()) {
            let inside = labels.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).expect(line);
            for pair in inside.split(',') {
                let (label, value) = pair.split_once('=').expect(line);
                let value = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).expect(line);
                assert!(is_name(label) && !value.contains('"') && !value.contains('\\'), "{line}");
            }
        }
        let value: f64 = value.parse().expect(line);
        assert!(value >= 0.0, "{line}");
        assert_eq!(samples.insert(key.to_owned(), value), None, "{key} stands twice");
    }
    assert!(!text.contains('\r') && !text.contains("\n\n"), "no line is empty");
    samples
}

fn scrape(edge: &Edge) -> Samples {
    let answer = edge.operator("GET", "/metrics", None);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    read(&answer.text())
}

/// Keys by kind and status, those that there are.
fn keys(samples: &Samples) -> Vec<(String, f64)> {
    let of = samples.iter().filter_map(|(name, count)| Some((name.strip_prefix("latchkey_keys{kind=")?, count)));
    of.filter(|(_, count)| **count > 0.0).map(|(name, count)| (name.replace(['"', '}'], "").replace(",status=", " "), *count)).collect()
}

fn counted(pairs: &[(&str, f64)]) -> Vec<(String, f64)> {
    pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[test]
fn every_state_of_keys_is_counted_as_it_changes() {
    let mut fleet = Fleet::start(Options { keep_state: true, faults: false, ..Options::default() });
    let edge = fleet.edge();
    let before = scrape(edge);
    assert_eq!((keys(&before), before["latchkey_organizations"]), (vec![], 0.0), "the reserved organization is none");
    assert_eq!(before[&format!("latchkey_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))], 1.0);

    let org =
        given::org(edge, json!({"revocation": "reversible", "deletion": true, "expiry_editable": true, "playground": {"enabled": true}}));
    let [kept, ended, gone, back, over] = ["2030-01-01T00:00:00Z"; 5].map(|expires_at| org.key(json!({"expires_at": expires_at})));
    let hash = format!("sha256:{}", Digest::of("an old one").hex());
    let items = json!({"keys": [{"name": "Old", "hash": hash, "prefix": "old_"}]});
    assert_eq!(edge.operator("POST", &org.path("/keys/import"), Some(&items)).status, 200);
    assert_eq!(edge.operator("POST", &org.path("/playground-keys"), None).status, 201);
    service_key(edge, &["verify"], json!({}));
    assert_eq!(keys(&scrape(edge)), counted(&[("playground active", 1.0), ("standard active", 7.0)]));

    for key in [&ended, &back] {
        assert_eq!(org.revoke(key).status, 200);
    }
    assert_eq!(org.revoke(&ended).status, 200, "again, which changes nothing");
    assert_eq!(edge.operator("POST", &org.path(&format!("/keys/{}/reactivate", back.id)), None).status, 200);
    assert_eq!(edge.operator("DELETE", &org.path(&format!("/keys/{}", gone.id)), None).status, 204);
    let later = json!({"name": "Renamed", "expires_at": "2031-01-01T00:00:00Z"});
    assert_eq!(edge.operator("PATCH", &org.path(&format!("/keys/{}", kept.id)), Some(&later)).status, 200);
    let expected = [("playground active", 1.0), ("standard active", 5.0), ("standard revoked", 1.0)];
    assert_eq!(keys(&scrape(edge)), counted(&expected));

    // Hours cannot be waited for: the end of a key is moved into the past, in the database's own file.
    let (file, expected) =
        (ledger_file(&fleet), [("playground active", 1.0), ("standard active", 4.0), ("standard expired", 1.0), ("standard revoked", 1.0)]);
    let ids = [over.id, ended.id].map(|id| format!("'{id}'")).join(", ");
    assert_eq!(run_sql(&file, &format!("UPDATE keys SET expires_at = 1 WHERE id IN ({ids})")), "");
    fleet.restart();
    assert_eq!(keys(&scrape(fleet.edge())), counted(&expected), "a revoked key stays revoked when its time is over");

    // What the migration finds is counted as what comes after it.
    for statement in [
        "DROP TABLE key_census",
        "DROP TRIGGER key_census_counts_a_new_key",
        "DROP TRIGGER key_census_forgets_a_deleted_key",
        "DROP TRIGGER key_census_moves_a_changed_key",
        "DELETE FROM d1_migrations WHERE name = '0006_key_census.sql'",
    ] {
        assert_eq!(run_sql(&file, statement), "", "{statement}");
    }
    fleet.restart();
    let samples = scrape(fleet.edge());
    assert_eq!((keys(&samples), samples["latchkey_organizations"]), (counted(&expected), 1.0));
}

#[test]
fn totals_the_outbox_and_open_sessions_are_counted() {
    let mut fleet = Fleet::start(Options { keep_state: true, ..Options::default() });
    let org = given::org(fleet.edge(), json!({}));
    let key = org.key(json!({}));
    let asked = ["owner"; 3].map(|role| portal::ask(&org, role));
    asked[1..].iter().for_each(|asked| drop(portal::sign_in(fleet.edge(), &asked.link)));
    let ended = fleet.edge().operator("DELETE", &org.path(&format!("/portal-sessions/{}", asked[2].id)), None);
    assert_eq!(ended.status, 204);
    let samples = scrape(fleet.edge());
    assert_eq!(samples["latchkey_portal_sessions_open"], 1.0, "one was never opened, one was ended");
    assert_eq!((samples["latchkey_unpublished_changes"], samples["latchkey_unpublished_oldest_age_seconds"]), (0.0, 0.0));
    assert_eq!(samples["latchkey_decisions_total{code=\"VALID\"}"], 0.0, "a code is there before it is first counted");

    fleet.edge().faults(&json!({"guard": "fail"}));
    assert_eq!(org.revoke(&key).status, 503);
    assert_eq!(scrape(fleet.edge())["latchkey_unpublished_changes"], 1.0);
    for statement in [
        "UPDATE outbox SET created_at = created_at - 90000",
        "INSERT INTO org_totals VALUES ('org_a', 'VALID', 9007199254740993), ('org_b', 'VALID', 4294967296), ('org_b', 'REVOKED', 7)",
    ] {
        assert_eq!(run_sql(&ledger_file(&fleet), statement), "", "{statement}");
    }
    fleet.restart();
    let text = fleet.edge().operator("GET", "/metrics", None).text();
    let samples = read(&text);
    assert!(samples["latchkey_unpublished_oldest_age_seconds"] >= 90.0, "{text}");
    assert!(text.contains("latchkey_decisions_total{code=\"VALID\"} 9007203549708289\n"), "to the last digit: {text}");
    assert_eq!(samples["latchkey_decisions_total{code=\"REVOKED\"}"], 7.0);
}

#[test]
fn a_scrape_asks_the_truth_once_and_reads_no_key() {
    let fleet = Fleet::start(Options::default());
    let edge = fleet.edge();
    let org = given::org(edge, json!({}));
    let rows = || {
        edge.faults(&json!({}));
        scrape(edge);
        assert_eq!((edge.calls("db.query"), edge.calls("kv.get"), edge.calls("guard.fetch")), (1, 0, 0));
        edge.calls("db.rows_read")
    };
    org.key(json!({}));
    let of_one = rows();
    (0..20).for_each(|_| drop(org.key(json!({}))));
    assert_eq!(rows(), of_one, "with twenty keys more");
    edge.faults(&json!({"db": "fail"}));
    let answer = edge.operator("GET", "/metrics", None);
    assert_eq!((answer.status, answer.value()["code"].as_str()), (503, Some("UNAVAILABLE")));
    edge.faults(&json!({}));
}

#[test]
fn monitoring_needs_a_service_key_and_nothing_more() {
    let fleet = Fleet::start(Options { faults: false, ..Options::default() });
    let key = service_key(fleet.edge(), &["usage:read"], json!({}));
    // What Prometheus sends, and what it would rather have does not matter.
    let fields = [("authorization", &*format!("Bearer {}", key.secret)), ("accept", "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")];
    let answer = fleet.edge().send("GET", "/metrics?x=1", &fields, None);
    assert_eq!(answer.status, 200);
    read(&answer.text());
    let head = fleet.edge().send("HEAD", "/metrics", &fields, None);
    assert_eq!((head.status, head.body.len()), (200, 0));
}
