//! The house's rules that need no parser: sizes, names, unfinished work, migrations.

use super::{MARKS, source};

/// Longer ones hold more than one thing.
pub const MAX_LINES: usize = 400;

/// Words that say nothing about what is inside.
const VAGUE: [&str; 7] = ["util", "utils", "common", "helper", "helpers", "manager", "misc"];

fn is_vague(name: &str) -> bool {
    name.split(['_', '-']).any(|word| VAGUE.contains(&word))
}

/// The folder or file of the path that has a vague name.
pub fn vague_name(path: &str) -> Option<&str> {
    path.split('/').map(|part| part.split('.').next().unwrap_or(part)).find(|name| is_vague(name))
}

/// The modules with vague names that a file declares.
pub fn vague_modules(path: &str, text: &str) -> Vec<(usize, String)> {
    if !path.ends_with(".rs") {
        return Vec::new();
    }
    source::modules(text).into_iter().filter(|module| is_vague(&module.text)).map(|module| (module.line, module.text)).collect()
}

/// The marks of unfinished work in a text, as whole words.
pub fn unfinished(text: &str) -> Vec<(usize, &'static str)> {
    let has = |line: &str, mark: &str| {
        line.match_indices(mark).any(|(at, _)| {
            let (before, after) = (line[..at].chars().next_back(), line[at + mark.len()..].chars().next());
            let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            !is_word(before) && (mark.ends_with('!') || !is_word(after))
        })
    };
    let lines = (1..).zip(text.lines());
    lines.flat_map(|(number, line)| MARKS.into_iter().filter(move |mark| has(line, mark)).map(move |mark| (number, mark))).collect()
}

/// What is wrong with the names of the migrations, given in order: `0001_name.sql`, `0002_name.sql`, and so on.
pub fn migration_fault(names: &[String]) -> Option<String> {
    if names.is_empty() {
        return Some("there are no migrations".to_owned());
    }
    let expected = |number: usize, name: &str| {
        let rest = name.strip_prefix(&format!("{number:04}_")).and_then(|rest| rest.strip_suffix(".sql"));
        rest.is_some_and(|rest| !rest.is_empty())
    };
    let wrong = (1..).zip(names).find(|(number, name)| !expected(*number, name));
    wrong
        .map(|(number, name)| format!("migrations/{name}: expected {number:04}_<name>.sql; numbers go up by one, and files are only added"))
}
