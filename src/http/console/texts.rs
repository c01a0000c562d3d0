//! The words of the console: one text file, a `key = text` on each line. Another language is another such file.

use std::sync::LazyLock;

const ENGLISH: &str = include_str!("../../../assets/texts/en.txt");

/// In the order of the file. A page looks up a few dozen of a few hundred: a map would only be more code.
static TEXTS: LazyLock<Vec<(&'static str, &'static str)>> = LazyLock::new(|| entries(ENGLISH).collect());

fn entries(file: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(" = ")).map(|(key, text)| (key.trim(), text.trim()))
}

/// The text of that key. A test keeps keys that have none out of the code; the key itself would stand for it.
#[must_use]
pub fn t(key: &'static str) -> &'static str {
    find(key).unwrap_or(key)
}

/// The text of a key that is made of what a record says, if there is one.
#[must_use]
pub fn find(key: &str) -> Option<&'static str> {
    TEXTS.iter().find(|(known, _)| *known == key).map(|(_, text)| *text)
}

/// The text of that key with its one gap, `{}`, filled.
#[must_use]
pub fn fill(key: &'static str, value: impl std::fmt::Display) -> String {
    let (before, after) = t(key).split_once("{}").unwrap_or((t(key), ""));
    format!("{before}{value}{after}")
}

/// A page with its texts: `<:list.created:>` is the place of one. What comes out of a record is escaped when it is written
/// into a page and has no such sign, and texts have no character that HTML would need escaped.
#[must_use]
pub fn resolve(page: &str) -> String {
    let mut whole = String::with_capacity(page.len());
    let mut parts = page.split("<:");
    whole.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (key, rest) = part.split_once(":>").unwrap_or((part, ""));
        whole.push_str(find(key).unwrap_or(key));
        whole.push_str(rest);
    }
    whole
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// The first argument of each call of `name` in a file, where it is written out.
    fn keys(text: &str, name: &str, found: &mut BTreeSet<String>) {
        for (at, _) in text.match_indices(name) {
            let rest = text.get(at + name.len()..).unwrap();
            let is_call = !text.get(..at).unwrap().ends_with(|before: char| before.is_alphanumeric() || before == '_');
            if let Some(key) = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()).filter(|_| is_call) {
                found.insert(key.to_owned());
            }
        }
    }

    /// The keys of a template, but for those that are made of what a record says.
    fn places(text: &str, found: &mut BTreeSet<String>) {
        let keys = text.split("<:").skip(1).filter_map(|part| part.split_once(":>")).map(|(key, _)| key);
        found.extend(keys.filter(|key| !key.contains('{')).map(str::to_owned));
    }

    fn used(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                used(&entry, found);
            } else if entry.file_name().is_none_or(|name| name != "texts.rs") {
                let text = fs::read_to_string(&entry).unwrap();
                places(&text, found);
                ["t(", "fill(", "text_key("].iter().for_each(|call| keys(&text, call, found));
            }
        }
    }

    #[test]
    fn every_key_has_one_text_and_every_text_is_shown() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut wanted = BTreeSet::new();
        used(&root.join("src/http/console"), &mut wanted);
        used(&root.join("templates/console"), &mut wanted);
        let all: Vec<&str> = entries(ENGLISH).map(|(key, _)| key).collect();
        let known: BTreeSet<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!(all.len(), known.len(), "a key stands twice");
        let missing: Vec<_> = wanted.difference(&known).collect();
        assert_eq!(missing, Vec::<&String>::new(), "without a text");
        // What is made of a word that a record says: `action.key.created`, `problem.CONFLICT`, `fault.name: …`.
        let spoken = ["action.", "problem.", "fault.", "notice.", "step.", "code.", "does.", "status."];
        let idle: Vec<_> = known.difference(&wanted).filter(|key| !spoken.iter().any(|start| key.starts_with(start))).collect();
        assert_eq!(idle, Vec::<&String>::new(), "never shown");
    }

    #[test]
    fn every_line_is_an_entry_or_a_comment() {
        for (number, line) in (1..).zip(ENGLISH.lines()) {
            assert!(
                line.starts_with('#') || !line.contains(['<', '>', '&', '"', '\u{27}']),
                "line {number} has what HTML would need escaped: {line}"
            );
            assert!(line.is_empty() || line.starts_with('#') || line.contains(" = "), "line {number}: {line}");
        }
    }

    #[test]
    fn every_action_of_the_log_has_its_words() {
        for action in crate::audit::entry::Action::ALL {
            assert!(find(&format!("action.{}", action.as_str())).is_some(), "{}", action.as_str());
        }
    }

    #[test]
    fn texts_come_to_their_places_and_nothing_else_does() {
        assert_eq!(resolve("<p><:done:></p>&lt;:done:&gt; <:status.active:>"), "<p>Done</p>&lt;:done:&gt; Active");
        assert_eq!(resolve("a<:b"), "ab");
    }

    #[test]
    fn a_gap_is_filled() {
        assert_eq!(fill("ago.minutes", 5), "5 min ago");
    }
}
