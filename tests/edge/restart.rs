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
    fleet.restart();
    let folder = fleet.state_folder().expect("a kept state").to_owned();
    let files = files_below(&folder);
    let holds = |needle: &str| files.iter().any(|(_, bytes)| bytes.windows(needle.len()).any(|part| part == needle.as_bytes()));
    assert!(holds(&given::text(&keys[1].record["prefix"])), "the state is where it is looked for");
    for key in &keys {
        assert!(!holds(&key.secret[key.secret.len() - 30..]), "a secret is stored");
    }
    assert!(!holds(crate::runtime::OPERATOR_TOKEN));
}

fn files_below(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
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
