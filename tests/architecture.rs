//! The architecture as a test: import law, platform crates, sizes, names, unfinished work, migrations.
//!
//! Each failure names the file, the line and the rule.

#![allow(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test may end with a panic; its message is the finding"
)]

#[path = "architecture/house.rs"]
mod house;
#[path = "architecture/law.rs"]
mod law;
#[path = "architecture/samples.rs"]
mod samples;
#[path = "architecture/source.rs"]
mod source;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// What unfinished work is marked with. In pieces, so that this file is not one of its findings.
pub const MARKS: [&str; 5] =
    [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("unimplemented", "!"), concat!("to", "do!"), concat!("dbg", "!")];

const WRITTEN_BY_HAND: [&str; 5] = ["src", "xtask", "tests", "shim", "bench"];
const GENERATED: [&str; 2] = ["Cargo.lock", "package-lock.json"];

fn root() -> PathBuf {
    // As cargo says when it runs the test, not as it was when the test was built.
    env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from)
}

/// The text files under the folders: path from the root, with slashes, and text.
fn files(folders: &[&str]) -> Vec<(String, String)> {
    let root = root();
    let mut waiting: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    let mut files = Vec::new();
    while let Some(path) = waiting.pop() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "node_modules" || name == "target" || GENERATED.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if let Ok(text) = fs::read_to_string(&path) {
            files.push((from(&root, &path), text));
        }
    }
    files.sort();
    assert!(!files.is_empty(), "nothing to read under {}", root.display());
    files
}

fn from(root: &Path, path: &Path) -> String {
    let parts = path.strip_prefix(root).unwrap().components();
    parts.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect::<Vec<_>>().join("/")
}

fn assert_none(violations: Vec<String>) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn rooms_obey_the_import_law() {
    let of = |(path, text): (String, String)| {
        law::violations(&path, &text).into_iter().map(move |(line, rule)| format!("{path}:{line}: {rule}"))
    };
    assert_none(files(&["src"]).into_iter().filter(|(path, _)| path.ends_with(".rs")).flat_map(of).collect());
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let lengths = files(&WRITTEN_BY_HAND).into_iter().map(|(path, text)| (path, text.lines().count()));
    let long = lengths.filter(|(_, lines)| *lines > house::MAX_LINES);
    assert_none(long.map(|(path, lines)| format!("{path}:{lines}: a file has at most {} lines", house::MAX_LINES)).collect());
}

#[test]
fn no_file_or_module_has_a_vague_name() {
    let mut violations = Vec::new();
    for (path, text) in files(&WRITTEN_BY_HAND) {
        violations.extend(house::vague_name(&path).map(|name| format!("{path}: `{name}` says nothing about what is inside")));
        let modules = house::vague_modules(&path, &text);
        violations.extend(modules.into_iter().map(|(line, name)| format!("{path}:{line}: `{name}` says nothing about what is inside")));
    }
    assert_none(violations);
}

#[test]
fn nothing_is_left_unfinished() {
    let of = |(path, text): (String, String)| {
        house::unfinished(&text).into_iter().map(move |(line, mark)| format!("{path}:{line}: {mark} has no place here"))
    };
    assert_none(files(&WRITTEN_BY_HAND).into_iter().flat_map(of).collect());
}

#[test]
fn migrations_are_numbered_in_the_order_in_which_they_were_added() {
    let names = files(&["migrations"]).into_iter().map(|(path, _)| path.replacen("migrations/", "", 1)).collect::<Vec<_>>();
    assert_none(house::migration_fault(&names).into_iter().collect());
}
