//! The import law: who may import whom.

use super::source::{self, Reference};

/// Each imports only from those before it.
const ORDER: [&str; 12] = ["base", "token", "network", "limit", "policy", "key", "authn", "decision", "audit", "usage", "ports", "service"];
/// Neighbors, below all of these; they never import each other.
const NEIGHBORS: [&str; 3] = ["storage", "object", "http"];
/// They see all, and nobody but they sees them.
const SEE_ALL: [&str; 2] = ["app", "entry"];

/// The crates of the platform's runtime, and the rooms that may name them.
const PLATFORM: [(&str, &[&str]); 5] = [
    ("worker", &["entry", "app", "storage", "object", "http"]),
    ("worker_sys", &["entry", "app", "storage", "object", "http"]),
    ("js_sys", &["entry", "storage", "object", "http"]),
    // `app` only passes the platform's request on.
    ("web_sys", &["entry", "app", "storage", "object", "http"]),
    ("wasm_bindgen", &["entry", "storage", "object", "http"]),
];

/// A file's place: `src/service/keys.rs` is `["service", "keys"]`, its tests beside it one deeper.
pub fn module(path: &str) -> Vec<String> {
    let path = path.strip_prefix("src/").unwrap_or(path);
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let path = path.strip_suffix("/mod").unwrap_or(path);
    let mut module: Vec<String> = path.split('/').map(str::to_owned).collect();
    if path.ends_with("_tests") {
        module.push("tests".to_owned());
    }
    module
}

/// What a file of `src` does against the law: lines and rules.
pub fn violations(path: &str, text: &str) -> Vec<(usize, String)> {
    let module = module(path);
    let Some(room) = module.first() else { return Vec::new() };
    if room == "lib" {
        return undeclared(text);
    }
    if !is_room(room) {
        return vec![(1, format!("`{room}` is not a room of the import law"))];
    }
    let in_tests = room == "testing" || path.ends_with("_tests.rs");
    let references = source::references(text);
    let broken = references.iter().filter_map(|reference| {
        let rule = rule(&module, &Reference { in_tests: in_tests || reference.in_tests, ..reference.clone() });
        rule.err().map(|rule| (reference.line, rule))
    });
    broken.collect()
}

/// The crate's root declares rooms, and `testing` for tests alone.
fn undeclared(text: &str) -> Vec<(usize, String)> {
    let rule = |name: &str, tested: bool| match name {
        "testing" if !tested => Some("`testing` is declared under #[cfg(test)] only".to_owned()),
        _ if !is_room(name) => Some(format!("`{name}` is not a room of the import law")),
        _ => None,
    };
    source::declared(text).into_iter().filter_map(|(name, tested)| Some((name.line, rule(&name.text, tested)?))).collect()
}

fn is_room(name: &str) -> bool {
    ORDER.contains(&name) || NEIGHBORS.contains(&name) || SEE_ALL.contains(&name) || ["config", "testing"].contains(&name)
}

fn rule(module: &[String], reference: &Reference) -> Result<(), String> {
    let room = module.first().map_or("", String::as_str);
    match reference.segments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["crate", other, ..] => may_import(room, other, reference.in_tests),
        ["super", ..] => {
            let steps = reference.segments.iter().take_while(|segment| *segment == "super").count();
            let stays = steps < module.len() + reference.inline_depth;
            if stays { Ok(()) } else { Err(format!("super:: leaves the room `{room}`; name the other one with crate::")) }
        }
        [name, _, ..] => may_name(room, name),
        _ => Ok(()),
    }
}

fn may_import(room: &str, other: &str, in_tests: bool) -> Result<(), String> {
    let place = |name: &str| ORDER.iter().position(|room| *room == name);
    let allowed = match other {
        _ if room == other => true,
        _ if !is_room(other) => return Err(format!("crate::{other} names no room")),
        "testing" if !in_tests => return Err("`testing` is for code under #[cfg(test)] only".to_owned()),
        "testing" => true,
        _ if SEE_ALL.contains(&room) => true,
        "config" => room == "http",
        _ if room == "config" => ["authn", "base"].contains(&other),
        _ => match (place(room), place(other)) {
            (Some(room), Some(other)) => other < room,
            (None, Some(_)) => true,
            (_, None) => false,
        },
    };
    if allowed { Ok(()) } else { Err(format!("`{room}` must not import `{other}`")) }
}

fn may_name(room: &str, name: &str) -> Result<(), String> {
    match PLATFORM.iter().find(|(platform, _)| *platform == name) {
        Some((_, rooms)) if !rooms.contains(&room) => Err(format!("the crate `{name}` appears only in {}", rooms.join(", "))),
        _ => Ok(()),
    }
}
