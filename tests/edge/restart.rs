use crate::{
    given,
    runtime::{Fleet, Options},
};
use serde_json::json;

#[test]
fn a_restart_keeps_everything() {
    let mut fleet = Fleet::start(Options { keep_state: true, faults: false, ..Options::default() });
    let org = given::org(fleet.edge(), json!({}));
    let (good, revoked) = (org.key(json!({})), org.key(json!({})));
    let limited = org.key(json!({"rate_limit": {"limit": 2, "window_seconds": 3600}}));
    org.revoke(&revoked);
    for _ in 0..2 {
        assert_eq!(given::code(fleet.edge(), &limited.secret), "VALID");
    }
    let (org_id, audit) = (org.id.clone(), org.audit());

    fleet.restart();

    let org = given::Org { edge: fleet.edge(), id: org_id };
    assert_eq!(given::code(fleet.edge(), &good.secret), "VALID");
    assert_eq!(given::code(fleet.edge(), &revoked.secret), "REVOKED");
    assert_eq!(given::code(fleet.edge(), &limited.secret), "RATE_LIMITED", "the window is remembered");
    assert_eq!(org.read(&good).value(), good.record);
    assert_eq!(org.audit(), audit);
}

#[test]
fn no_secret_is_anywhere_in_the_state() {
    let mut fleet = Fleet::start(Options { keep_state: true, faults: false, ..Options::default() });
    let org = given::org(fleet.edge(), json!({}));
    let keys: Vec<given::Key> = (0..3).map(|_| org.key(json!({}))).collect();
    keys.iter().for_each(|key| assert_eq!(given::code(fleet.edge(), &key.secret), "VALID"));
    org.revoke(&keys[0]);
    let rotate = org.path(&format!("/keys/{}/rotate", keys[1].id));
    let rotated = fleet.edge().operator("POST", &rotate, Some(&json!({"overlap_seconds": 60}))).value();
    let foreign = "an-old-key-of-another-system-0123456789";
    let hash = format!("sha256:{}", latchkey::token::digest::Digest::of(foreign).hex());
    let import = json!({"keys": [{"name": "Old", "hash": hash, "prefix": "an-old-k"}]});
    assert_eq!(fleet.edge().operator("POST", &org.path("/keys/import"), Some(&import)).status, 200);
    assert_eq!(given::code(fleet.edge(), foreign), "VALID");
    assert_eq!(given::code(fleet.edge(), "sk_mistyped1_00000000000000000000000000000000"), "MALFORMED");
    let mut secrets: Vec<String> = keys.iter().map(|key| key.secret.clone()).collect();
    secrets.extend([given::text(&rotated["secret"]), foreign.to_owned(), "sk_mistyped1_00000000000000000000000000000000".to_owned()]);
    fleet.restart();
    let folder = fleet.state_folder().expect("a kept state").to_owned();
    let files = files_below(&folder);
    let holds = |needle: &str| files.iter().any(|(_, bytes)| bytes.windows(needle.len()).any(|part| part == needle.as_bytes()));
    assert!(holds(&given::text(&keys[1].record["prefix"])), "the state is where it is looked for");
    for secret in &secrets {
        assert!(!holds(&secret[secret.len() - 30..]), "a secret is stored");
    }
    assert!(!holds(crate::runtime::OPERATOR_TOKEN));
}

/// Every file under a folder, with its bytes.
pub fn files_below(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut files = Vec::new();
    for path in entries {
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if let Ok(bytes) = std::fs::read(&path) {
            files.push((path, bytes));
        }
    }
    files
}

/// The audit log is append-only for whoever writes to the database, not only for this product's routes.
#[test]
fn the_database_itself_refuses_to_change_or_remove_audit_entries() {
    let mut fleet = Fleet::start(Options { keep_state: true, faults: false, ..Options::default() });
    let org = given::org(fleet.edge(), json!({}));
    let before = (org.id.clone(), org.audit());
    let file = ledger_file(&fleet);
    for statement in ["DELETE FROM audit", "UPDATE audit SET actor_id = 'nobody'"] {
        let refusal = run_sql(&file, statement);
        assert!(refusal.contains("audit entries are never"), "{statement}: {refusal}");
    }
    assert_eq!(run_sql(&file, "UPDATE outbox SET version = version"), "", "other statements work");
    fleet.restart();
    assert_eq!(given::Org { edge: fleet.edge(), id: before.0 }.audit(), before.1);
}

/// 30 days cannot be waited for: the key's end is moved into the past, in the database's own file.
#[test]
fn a_temporary_key_that_is_long_over_leaves_the_list_and_stays_in_the_audit_log() {
    let mut fleet = Fleet::start(Options { keep_state: true, faults: false, ..Options::default() });
    let org = given::org(fleet.edge(), json!({"playground": {"enabled": true}}));
    let (kept, id) = (org.key(json!({})), org.id.clone());
    let made = fleet.edge().operator("POST", &org.path("/playground-keys"), None).value();
    let secret = given::text(&made["secret"]);
    assert_eq!(given::code(fleet.edge(), &secret), "VALID");
    let file = ledger_file(&fleet);
    assert_eq!(run_sql(&file, "UPDATE keys SET expires_at = 1 WHERE kind = 'playground'"), "");
    fleet.restart();

    assert_eq!(fleet.scheduled().status, 200);

    let org = given::Org { edge: fleet.edge(), id };
    let listed = org.edge.operator("GET", &org.path("/keys"), None).value();
    let ids: Vec<&serde_json::Value> = listed["items"].as_array().expect("items").iter().map(|key| &key["id"]).collect();
    assert_eq!(ids, [&json!(kept.id)]);
    assert_eq!(given::code(fleet.edge(), &secret), "NOT_FOUND");
    let entry = &org.audit()[0];
    assert_eq!((&entry["action"], &entry["actor"]["type"]), (&json!("key.deleted"), &json!("system")));
    assert_eq!(entry["target"]["id"], made["key"]["id"]);
}

/// The database's file in the state that the fleet keeps.
pub fn ledger_file(fleet: &Fleet) -> std::path::PathBuf {
    let folder = fleet.state_folder().expect("a kept state");
    files_below(folder).into_iter().map(|(path, _)| path).find(|path| is_ledger(path)).expect("the database's file")
}

fn is_ledger(path: &std::path::Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sqlite") && run_sql(path, "SELECT 1 FROM audit LIMIT 0").is_empty()
}

/// What the database answers to a statement: nothing, or its refusal.
pub fn run_sql(file: &std::path::Path, statement: &str) -> String {
    let script = "const { DatabaseSync } = require('node:sqlite'); \
                  try { new DatabaseSync(process.argv[1]).exec(process.argv[2]) } catch (error) { console.log(error.message) }";
    let output = std::process::Command::new(crate::runtime::node()).args(["--no-warnings", "-e", script]).arg(file).arg(statement).output();
    String::from_utf8_lossy(&output.expect("Node runs").stdout).trim().to_owned()
}
