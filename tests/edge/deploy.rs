//! `cargo xtask deploy --dry-run`, which has wrangler and the worker itself say what they think of a configuration.

use std::{
    fs,
    os::unix::fs::symlink,
    process::{Command, Output},
};

use crate::runtime;

/// The repository's settings with `changes` behind them and ids as an account gives them.
fn rehearse(name: &str, changes: &str, with_ids: bool) -> (bool, String) {
    let root = runtime::root();
    let folder = std::env::temp_dir().join(format!("latchkey-deploy-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    for part in ["build", "migrations"] {
        symlink(root.join(part), folder.join(part)).expect("a link");
    }
    let mut text = fs::read_to_string(root.join("wrangler.toml")).expect("the settings").replace("[build]", "[unused]");
    if with_ids {
        text = text.replace("00000000000000000000000000000001", "0f2ac74b498b48028cb68387c421e279");
        text = text.replace("00000000-0000-0000-0000-000000000001", "6ee5b1f6-9b2a-4c1e-8f7a-3b1de7c9a001");
    }
    fs::write(folder.join("wrangler.toml"), format!("{text}\n{changes}")).expect("the settings");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(&root).args(["run", "--quiet", "--locked", "--package", "xtask", "--", "deploy", "--dry-run", "--no-build"]);
    let Output { status, stdout, stderr } = cargo.arg("--config").arg(folder.join("wrangler.toml")).output().expect("cargo runs");
    let _ = fs::remove_dir_all(&folder);
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    eprintln!("{said}");
    (status.success(), said)
}

#[test]
fn a_fresh_clone_lacks_the_ids_of_an_account_and_is_told_how_to_get_them() {
    let (is_good, said) = rehearse("fresh", "", false);
    assert!(!is_good && said.contains("npx wrangler kv namespace create KV") && said.contains("npx wrangler d1 create latchkey"), "{said}");
    assert_eq!(said.matches("WRONG").count(), 2, "{said}");
}

#[test]
fn with_ids_it_is_ready_and_wrangler_itself_was_asked() {
    let (is_good, said) = rehearse("ready", "", true);
    assert!(is_good && said.contains("ok     `wrangler deploy --dry-run`") && !said.contains("WRONG"), "{said}");
}

#[test]
fn settings_that_the_worker_refuses_are_told_in_its_own_words() {
    let vars = "[vars]\nMEMBER_ISSUER = \"https://idp.example.com\"\nDECISION_LOG = \"some\"\nGATEWAY_HOSTS = \"x\"\n";
    let (is_good, said) = rehearse("settings", vars, true);
    for line in ["MEMBER_AUDIENCE is not set", "DECISION_LOG must be off, refused or all", "is GATEWAY_HOST meant?"] {
        assert!(!is_good && said.contains(line), "{line} is not in {said}");
    }
}

#[test]
fn what_wrangler_refuses_is_wrong() {
    let (is_good, said) = rehearse("refused", "[[r2_buckets]]\nbinding = 5\n", true);
    assert!(!is_good && said.contains("`wrangler deploy --dry-run` refuses"), "{said}");
}
