//! `cargo xtask backup` and `restore` on the state of a fleet: everything lost, and nothing but a moment.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use crate::{
    given,
    restart::run_sql,
    runtime::{self, Fleet, Options},
};
use latchkey::token::digest::Digest;
use serde_json::{Value, json};

pub fn kept(edges: u16) -> Fleet {
    Fleet::start(Options { edges, keep_state: true, faults: false, ..Options::default() })
}

/// The task runner, as `cargo xtask` starts it.
pub fn xtask(arguments: &[&str], folder: &Path, state: &Path) -> Output {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(runtime::root()).args(["run", "--quiet", "--locked", "--package", "xtask", "--"]).args(arguments);
    let output = cargo.arg(folder).arg("--state").arg(state).output().expect("cargo runs");
    eprintln!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    output
}

/// A backup of what the fleet keeps, while it runs; a folder beside its state.
pub fn back_up(fleet: &Fleet, name: &str) -> PathBuf {
    let state = fleet.state_folder().expect("a kept state");
    let folder = state.join(name);
    assert!(xtask(&["backup", "--out"], &folder, state).status.success());
    folder
}

pub fn restore(folder: &Path, state: &Path, options: &[&str]) {
    let arguments: Vec<&str> = ["restore"].into_iter().chain(options.iter().copied()).chain(["--from"]).collect();
    assert!(xtask(&arguments, folder, state).status.success());
}

pub fn lose(state: &Path, stores: &[&str]) {
    for store in stores {
        let folder = state.join("v3").join(store);
        assert!(folder.is_dir(), "{} is not where it is looked for", folder.display());
        fs::remove_dir_all(folder).expect("the store goes");
    }
}

fn act(org: &given::Org<'_>, key: &given::Key, action: &str, body: Value) -> Value {
    let done = org.edge.operator("POST", &org.path(&format!("/keys/{}/{action}", key.id)), Some(&body));
    assert_eq!(done.status, 200, "{}", done.text());
    done.value()
}

#[test]
fn with_kv_guards_and_d1_gone_every_key_answers_as_before_and_the_log_is_whole() {
    let mut fleet = kept(2);
    let edge = fleet.edge();
    let org = given::org(edge, json!({"deletion": true, "revocation": "reversible", "playground": {"enabled": true}}));
    let off = given::org(edge, json!({"requires_feature": "developer_api"}));
    let [plain, revoked, back, rotated, ended, narrow, gone] = [(); 7].map(|()| org.key(json!({"name": "it's; \"–\" \\n"})));
    let soon = given::now().plus_ms(1_500).to_string();
    let brief = org.key(json!({"expires_at": soon, "rate_limit": null}));
    let inside = org.key(json!({"ip_allowlist": ["203.0.113.0/24"]}));
    let disabled = off.edge.operator("PATCH", &off.path(""), Some(&json!({"features": {"developer_api": true}})));
    assert_eq!(disabled.status, 200);
    let closed = off.key(json!({}));
    assert_eq!(off.edge.operator("PATCH", &off.path(""), Some(&json!({"features": {"developer_api": false}}))).status, 200);
    let temporary = edge.operator("POST", &org.path("/playground-keys"), None).value();
    let foreign = "an-old-key-of-another-system-0123456789";
    let item = json!({"name": "Old", "hash": format!("sha256:{}", Digest::of(foreign).hex()), "prefix": "an-old-k"});
    assert_eq!(edge.operator("POST", &org.path("/keys/import"), Some(&json!({"keys": [item]}))).status, 200);
    org.revoke(&revoked);
    org.revoke(&back);
    act(&org, &back, "reactivate", json!({}));
    let second = given::text(&act(&org, &rotated, "rotate", json!({"overlap_seconds": 3600}))["secret"]);
    let third = given::text(&act(&org, &ended, "rotate", json!({"overlap_seconds": 3600}))["secret"]);
    act(&org, &ended, "rotation/complete", json!({}));
    let path = org.path(&format!("/keys/{}", narrow.id));
    assert_eq!(edge.operator("PATCH", &path, Some(&json!({"permissions": []}))).status, 200);
    assert_eq!(edge.operator("DELETE", &org.path(&format!("/keys/{}", gone.id)), None).status, 204);
    // Line feeds of the file, and some that strings in it name.
    let described = json!({"openapi": "3.1.0", "info": {"title": "it's 'quoted'", "description": "'価'\n\r\n".repeat(20_000)}});
    let described = format!("{described:#}\r\n");
    let fields = [("authorization", &*format!("Bearer {}", runtime::OPERATOR_TOKEN)), ("content-type", "application/json")];
    assert_eq!(edge.send("PUT", &org.path("/openapi"), &fields, Some(described.as_bytes())).status, 201);
    while given::code(edge, &brief.secret) != "EXPIRED" {}

    let mut secrets: Vec<String> =
        [&plain, &revoked, &back, &rotated, &ended, &narrow, &gone, &brief, &inside, &closed].map(|key| key.secret.clone()).to_vec();
    secrets.extend([given::text(&temporary["secret"]), foreign.to_owned(), second, third]);
    let answers = |fleet: &Fleet| -> Vec<String> {
        let ask = |secret: &String| given::text(&given::ask(&fleet.edges[1], secret, json!({"permissions": "leads:read"}))["code"]);
        secrets.iter().map(ask).collect()
    };
    let before = answers(&fleet);
    for code in ["VALID", "REVOKED", "EXPIRED", "NOT_FOUND", "ORG_DISABLED", "IP_NOT_ALLOWED", "INSUFFICIENT_PERMISSIONS"] {
        assert!(before.iter().any(|have| have == code), "no key is {code}: {before:?}");
    }
    let (ids, audit) = ([org.id.clone(), off.id.clone()], (org.audit(), off.audit()));
    let folder = back_up(&fleet, "backup");

    fleet.restart_after(|state| {
        lose(state, &["kv", "do", "d1"]);
        restore(&folder, state, &[]);
    });

    assert_eq!(answers(&fleet), before);
    let [org, off] = ids.map(|id| given::Org { edge: fleet.edge(), id });
    assert_eq!((org.audit(), off.audit()), audit);
    assert!(fleet.edge().get(&format!("/docs/{}/openapi.json", org.id)).text() == described, "the uploaded description is whole");
    assert_eq!(fleet.scheduled().status, 200);
    assert_eq!(answers(&fleet), before, "nor does it change when the guards are told");
    assert_eq!(org.revoke(&plain).status, 200);
    assert_eq!(given::code(&fleet.edges[1], &plain.secret), "REVOKED", "and they can be changed again");
    let token = runtime::OPERATOR_TOKEN;
    let metrics = fleet.edge().bearer(token, "GET", "/metrics", None).text();
    assert!(metrics.contains("latchkey_keys{kind=\"playground\",status=\"active\"} 1\n"), "the census is right: {metrics}");
    assert!(!metrics.contains("unpublished_changes 1"), "{metrics}");
}

/// What each key's creation wrote in one batch is in a backup wholly or not at all, however busy the database is.
#[test]
fn a_backup_that_is_taken_while_keys_are_made_has_no_half_of_any() {
    let fleet = kept(2);
    let org = given::org(fleet.edge(), json!({}));
    let done = AtomicBool::new(false);
    let folder = thread::scope(|scope| {
        for edge in &fleet.edges {
            let (org, done) = (given::Org { edge, id: org.id.clone() }, &done);
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    let key = org.key(json!({}));
                    org.revoke(&key);
                }
            });
        }
        while org.audit().len() < 20 {}
        let folder = back_up(&fleet, "backup");
        done.store(true, Ordering::Relaxed);
        folder
    });
    let state = fleet.state_folder().expect("a kept state").join("elsewhere");
    restore(&folder, &state, &[]);
    let file = crate::restart::files_below(&state).into_iter().map(|(path, _)| path).find(|path| {
        path.extension().is_some_and(|extension| extension == "sqlite") && run_sql(path, "SELECT 1 FROM audit LIMIT 0").is_empty()
    });
    let file = file.expect("the restored database");
    for whole in [
        "(SELECT count(*) FROM keys) > 8",
        "NOT EXISTS (SELECT 1 FROM audit WHERE action = 'key.created' AND target_id NOT IN (SELECT id FROM keys))",
        "NOT EXISTS (SELECT 1 FROM keys WHERE last_change NOT IN (SELECT id FROM audit))",
        "NOT EXISTS (SELECT 1 FROM keys WHERE id NOT IN (SELECT key_id FROM secrets))",
        "NOT EXISTS (SELECT 1 FROM audit WHERE action = 'key.revoked' \
         AND target_id IN (SELECT id FROM keys WHERE revoked_at IS NULL))",
        "(SELECT sum(count) FROM key_census) = (SELECT count(*) FROM keys)",
    ] {
        let statement = format!("CREATE TEMP TABLE whole (a CHECK (a)); INSERT INTO whole SELECT {whole}");
        assert_eq!(run_sql(&file, &statement), "", "{whole}");
    }
}

#[test]
fn a_damaged_backup_is_refused_and_changes_nothing() {
    let mut fleet = kept(1);
    let key = given::org(fleet.edge(), json!({})).key(json!({}));
    let folder = back_up(&fleet, "backup");
    fs::write(folder.join("latchkey.sql"), "DROP TABLE keys;").expect("the dump is there");
    fleet.restart_after(|state| {
        let refused = xtask(&["restore", "--from"], &folder, state);
        assert!(!refused.status.success());
        assert!(String::from_utf8_lossy(&refused.stderr).contains("damaged"));
    });
    assert_eq!(given::code(fleet.edge(), &key.secret), "VALID");
}
