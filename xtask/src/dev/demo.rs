//! A demo organization with a key, made through the API as a customer would, and commands to try them.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use ureq::{RequestBuilder, typestate::WithBody};

use super::operator_token;
use crate::project;

/// What was made, as kept in the state folder (private: it has the key's secret).
pub struct Demo {
    org: String,
    key: String,
    secret: String,
}

/// Makes what is missing; a second start finds everything made.
///
/// # Errors
/// When the API refuses or the record cannot be written.
pub fn ensure(url: &str, token: &str, state: &Path) -> Result<Demo> {
    let file = state.join("demo.json");
    let mut record: Value = fs::read(&file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    if record["org"].as_str().is_none() {
        let org = post(&format!("{url}/v1/orgs"), token, &organization())?;
        record = json!({ "org": text(&org["id"])? });
        // Before the key is made: an interruption in between must not leave a second organization.
        save(&file, &record)?;
    }
    let org = text(&record["org"])?;
    if record["docs"] != true {
        // Also for one that an earlier release made.
        send(ureq::patch(format!("{url}/v1/orgs/{org}")), token, &json!({ "policy": { "playground": playground() } }))?;
        send(ureq::put(format!("{url}/v1/orgs/{org}/openapi")), token, &description())?;
        record["docs"] = json!(true);
        save(&file, &record)?;
    }
    // The printed commands revoke the key: a later start makes another, so that they work again.
    if !record["secret"].as_str().is_some_and(|secret| is_good(url, token, secret)) {
        let draft = json!({ "name": "Demo key", "permissions": ["leads:read"] });
        let made = post(&format!("{url}/v1/orgs/{org}/keys"), token, &draft)?;
        record["key"] = json!(text(&made["key"]["id"])?);
        record["secret"] = json!(text(&made["secret"])?);
        save(&file, &record)?;
    }
    Ok(Demo { org, key: text(&record["key"])?, secret: text(&record["secret"])? })
}

impl Demo {
    /// Prints commands that work as they stand, from the folder where `dev` was started.
    pub fn print_commands(&self, url: &str) {
        let token = project::from_here(&operator_token::path());
        let operator = format!("-H \"Authorization: Bearer $(cat {token})\"");
        let json = "-H 'Content-Type: application/json'";
        let Self { org, key, secret } = self;
        println!("\nCreate a key:\n");
        println!("  curl -sS -X POST {url}/v1/orgs/{org}/keys {operator} \\");
        println!("    {json} -d '{{\"name\":\"My key\",\"permissions\":[\"leads:read\"]}}'");
        println!("\nVerify the demo key:\n");
        println!("  curl -sS -X POST {url}/v1/verify {operator} \\");
        println!("    {json} -d '{{\"key\":\"{secret}\",\"permissions\":[\"leads:read\"]}}'");
        println!("\nOpen the portal in a browser, by the `url` of the answer:\n");
        println!("  curl -sS -X POST {url}/v1/orgs/{org}/portal-sessions {operator} \\");
        println!("    {json} -d '{{\"user\":{{\"id\":\"you\",\"name\":\"You\"}},\"role\":\"owner\"}}'");
        println!("\nTry its docs there, once the portal knows you: {url}/docs/{org} (this API's own are at {url}/docs)");
        println!("\nRevoke the demo key (and verify again):\n");
        println!("  curl -sS -X POST {url}/v1/orgs/{org}/keys/{key}/revoke {operator} \\");
        println!("    {json} -d '{{\"reason\":\"just trying\"}}'");
    }
}

fn organization() -> Value {
    json!({
        "name": "Demo",
        "policy": { "resources": [{
            "name": "leads",
            "title": "Leads",
            "description": "Lead records",
            "actions": ["read", "create", "update", "delete"],
        }], "playground": playground() },
    })
}

fn playground() -> Value {
    json!({ "enabled": true, "permissions": ["leads:read"] })
}

/// The one route here that any key may try.
fn description() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Demo", "version": "1", "description": "Generate a test token, then try what it may do." },
        "servers": [{ "url": "/" }],
        "paths": { "/v1/whoami": { "get": {
            "operationId": "whoami",
            "summary": "Who am I?",
            "responses": { "200": { "description": "The key, and what it may do", "content": { "application/json": { "schema": { "type": "object" } } } } },
        } } },
    })
}

fn is_good(url: &str, token: &str, secret: &str) -> bool {
    let answer = send(ureq::post(format!("{url}/v1/verify")), token, &json!({ "key": secret, "peek": true }));
    answer.is_ok_and(|answer| answer["valid"] == true)
}

fn post(url: &str, token: &str, body: &Value) -> Result<Value> {
    send(ureq::post(url), token, body)
}

fn send(request: RequestBuilder<WithBody>, token: &str, body: &Value) -> Result<Value> {
    let what = match (request.method_ref(), request.uri_ref()) {
        (Some(method), Some(uri)) => format!("{method} {uri}"),
        _ => "a request".to_owned(),
    };
    let request = request.config().http_status_as_error(false).build();
    let mut answer = request.header("Authorization", format!("Bearer {token}")).send_json(body).with_context(|| what.clone())?;
    let text = answer.body_mut().read_to_string().with_context(|| what.clone())?;
    if !answer.status().is_success() {
        bail!("{what} answered {}: {text}", answer.status());
    }
    serde_json::from_str(&text).with_context(|| format!("{what} answered no JSON"))
}

fn save(file: &Path, record: &Value) -> Result<()> {
    project::write_private(file, &format!("{record:#}\n"))
}

fn text(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).context("the API's answer lacks an id or a secret")
}
