//! Clients generated from the document, against a running edge.

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    edge, given,
    node::{file, run},
    runtime::OPERATOR_TOKEN,
};

#[test]
fn a_typescript_client_creates_verifies_and_revokes_a_key() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("openapi");
    fs::create_dir_all(&folder).unwrap();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    fs::copy(file("tests/openapi/client.ts"), folder.join("client.ts")).unwrap();
    run("node_modules/openapi-typescript/bin/cli.js", &["assets/openapi.json", "--output", &path("openapi.d.ts")], None);
    // The client fits the types, or it does not compile.
    let options =
        "--noEmit --strict --target es2022 --module esnext --moduleResolution bundler --lib es2022,dom --types node --skipLibCheck";
    let mut arguments: Vec<&str> = options.split(' ').collect();
    let client = path("client.ts");
    arguments.push(&client);
    run("node_modules/typescript/bin/tsc", &arguments, None);
    let bundle = path("client.mjs");
    run("tests/openapi/bundle.mjs", &[&client, &bundle], None);
    lives(|arguments| run(&bundle, arguments, None));
}

#[test]
fn a_rust_client_creates_verifies_and_revokes_a_key() {
    // Generated and compiled here, not with the tests, all of which would be stopped by a document that it does not fit.
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["run", "--quiet", "--locked", "--package", "openapi-client", "--example", "client", "--"]);
    cargo.current_dir(file(".")).stdin(Stdio::null());
    lives(|arguments| {
        let output = cargo.args(arguments).output().expect("cargo starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    });
}

/// What a client reports that is given an edge, a token and an organization.
fn lives(client: impl FnOnce(&[&str]) -> String) {
    let org = given::org(edge(), json!({}));
    let report: Value = serde_json::from_str(&client(&[&edge().base_url, OPERATOR_TOKEN, &org.id])).unwrap();
    let expected = json!({"made": "active", "before": "VALID", "revoked": "revoked", "after": "REVOKED", "unknown": [404, "NOT_FOUND"]});
    assert_eq!(report, expected);
}
