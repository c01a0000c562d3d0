//! Generates the client from the document as it stands.
//!
//! Progenitor reads OpenAPI 3.0, so what 3.1 writes otherwise is first written as 3.0 would: by rules for any document,
//! none of which knows an operation or a schema of this one.

use std::{env, error::Error, fs, path::Path};

use progenitor::{GenerationSettings, Generator, InterfaceStyle};
use serde_json::{Map, Value, json};

const DOCUMENT: &str = "../../../assets/openapi.json";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={DOCUMENT}");
    println!("cargo::rerun-if-changed=build.rs");
    let mut document: Value = serde_json::from_str(&fs::read_to_string(DOCUMENT)?)?;
    document["openapi"] = json!("3.0.3");
    rewrite(&mut document);
    let mut settings = GenerationSettings::default();
    // Builders name the members they set, so that a member more in the document changes nothing for who does not use it.
    settings.with_interface(InterfaceStyle::Builder);
    let tokens = Generator::new(&settings).generate_tokens(&serde_json::from_value(document)?)?;
    let code = prettyplease::unparse(&syn::parse2(tokens)?);
    fs::write(Path::new(&env::var("OUT_DIR")?).join("client.rs"), code)?;
    Ok(())
}

fn rewrite(node: &mut Value) {
    match node {
        Value::Object(members) => {
            null_as_3_0_has_it(members);
            json_by_its_plain_name(members);
            times_as_text(members);
            no_options(members);
            members.values_mut().for_each(rewrite);
        }
        Value::Array(items) => items.iter_mut().for_each(rewrite),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// `null` is a type among others in 3.1, a flag beside the type or the one value of an enumeration in 3.0.
fn null_as_3_0_has_it(schema: &mut Map<String, Value>) {
    let null = json!("null");
    if schema.get("type") == Some(&null) {
        schema.remove("type");
        schema.insert("enum".to_owned(), json!([Value::Null]));
    }
    let Some(Value::Array(types)) = schema.get("type") else { return };
    let others: Vec<&Value> = types.iter().filter(|name| **name != null).collect();
    if let ([only], true) = (others.as_slice(), others.len() < types.len()) {
        let only = (*only).clone();
        schema.insert("type".to_owned(), only);
        schema.insert("nullable".to_owned(), json!(true));
    }
}

/// Progenitor gives types to `application/json` only; whatever ends in `+json` is that too (RFC 6839, section 3.1).
fn json_by_its_plain_name(members: &mut Map<String, Value>) {
    let Some(Value::Object(content)) = members.get_mut("content") else { return };
    let Some(name) = content.keys().find(|name| name.ends_with("+json")).cloned() else { return };
    if let Some(described) = content.remove(&name) {
        content.entry("application/json").or_insert(described);
    }
}

/// Of times Progenitor makes chrono's, a crate that the project does without.
fn times_as_text(schema: &mut Map<String, Value>) {
    if schema.get("format") == Some(&json!("date-time")) {
        schema.remove("format");
    }
}

/// For OPTIONS Progenitor calls a method of reqwest's client that there is not.
fn no_options(members: &mut Map<String, Value>) {
    if members.get("options").is_some_and(|operation| operation.get("responses").is_some()) {
        members.remove("options");
    }
}
