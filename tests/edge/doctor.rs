//! `cargo xtask doctor` on a healthy fleet, and on ones with something wrong.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use crate::{
    given,
    runtime::{self, Fleet, OPERATOR_TOKEN, Options},
};
use serde_json::json;

fn doctor(fleet: &Fleet, token: Option<&str>) -> (bool, String) {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(runtime::root()).env_remove("LATCHKEY_TOKEN").args(["run", "--quiet", "--locked", "--package", "xtask", "--"]);
    cargo.args(["doctor", "--url", &fleet.edge().base_url]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if token.is_some() {
        cargo.args(["--token-file", "-"]);
    }
    let mut child = cargo.spawn().expect("cargo runs");
    child.stdin.take().expect("an input").write_all(token.unwrap_or_default().as_bytes()).expect("it reads");
    let Output { status, stdout, stderr } = child.wait_with_output().expect("it ends");
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    eprintln!("{said}");
    assert!(!said.contains("sk_") && !said.contains("lks_"), "a key is shown");
    assert!(token.is_none_or(|token| !said.contains(token)), "the token is shown");
    (status.success(), said)
}

fn watched() -> Fleet {
    Fleet::start(Options { assets: true, ..Options::default() })
}

#[test]
fn a_healthy_deployment_is_told_so_and_nothing_of_the_visit_stays_but_its_audit_entries() {
    let fleet = watched();
    let (is_healthy, said) = doctor(&fleet, Some(OPERATOR_TOKEN));
    assert!(is_healthy && !said.contains("WRONG"), "{said}");
    let version = format!("version {}", env!("CARGO_PKG_VERSION"));
    for line in ["/readyz: d1, kv, guard, settings", "clocks agree", "refused from then on", "nothing waits in the outbox", &version] {
        assert!(said.contains(line), "{line} is not in {said}");
    }
    let system = given::Org { edge: fleet.edge(), id: "org_system".to_owned() };
    assert_eq!(system.edge.operator("GET", &system.path("/keys"), None).value()["items"], json!([]));
    let actions: Vec<String> = system.audit().iter().map(|entry| given::text(&entry["action"])).collect();
    assert_eq!(actions, ["key.deleted", "key.revoked", "key.created"]);
}

#[test]
fn without_a_token_it_looks_at_what_anybody_sees() {
    let (is_healthy, said) = doctor(&watched(), None);
    assert!(is_healthy && said.contains("no token") && said.contains("pages: 5 fields"), "{said}");
}

#[test]
fn what_is_wrong_is_named_and_is_a_failure() {
    let fleet = watched();
    for (faults, expected) in [
        (json!({"kv": "fail"}), "not ready: kv"),
        (json!({"guard": "fail", "org_guard": "fail"}), "not ready: guard"),
        (json!({"db": {"batch": "fail"}}), "creating a service key answered 503 UNAVAILABLE"),
        (json!({"kv": {"put": "fail"}}), "revoking answered 503 NOT_YET_IN_FORCE"),
    ] {
        fleet.edge().faults(&faults);
        let (is_healthy, said) = doctor(&fleet, Some(OPERATOR_TOKEN));
        assert!(!is_healthy && said.contains("WRONG") && said.contains(expected), "{faults}: {said}");
    }
    fleet.edge().faults(&json!({}));
    let (is_healthy, said) = doctor(&fleet, Some("lko_of_somebody_else"));
    assert!(!is_healthy && said.contains("creating a service key answered 401"), "{said}");
}

#[test]
fn settings_that_are_wrong_and_assets_that_were_not_uploaded_are_found() {
    let vars = vec![("MEMBER_ISSUER".to_owned(), "https://idp.example.com".to_owned())];
    let fleet = Fleet::start(Options { faults: false, vars, ..Options::default() });
    let (is_healthy, said) = doctor(&fleet, None);
    assert!(!is_healthy && said.contains("not ready: settings") && said.contains("/_latchkey/"), "{said}");
}
