//! A client generated from the document, against a running edge.

use std::{fs, path::Path};

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
    let org = given::org(edge(), json!({}));
    let said = run(&bundle, &[&edge().base_url, OPERATOR_TOKEN, &org.id], None);
    let report: Value = serde_json::from_str(&said).unwrap();
    let expected = json!({"made": "active", "before": "VALID", "revoked": "revoked", "after": "REVOKED", "unknown": [404, "NOT_FOUND"]});
    assert_eq!(report, expected);
}
