//! The migrations: one after the other, none twice. The platform applies them by name and asks no further.

use std::{fs, path::Path};

use anyhow::Result;

use super::finding::Finding;

/// Looks at the names of the files.
///
/// # Errors
/// When the folder cannot be read.
pub fn check(folder: &Path) -> Result<Vec<Finding>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(findings(&names))
}

fn findings(names: &[String]) -> Vec<Finding> {
    let how = "files are called 0001_what.sql and so on, without gaps: databases that exist have applied them under these names";
    let strange = names.iter().zip(1..).filter(|(name, number)| {
        let is_numbered = name.strip_prefix(&format!("{number:04}_")).is_some_and(|rest| rest.len() > 4);
        !is_numbered || !name.ends_with(".sql")
    });
    match strange.map(|(name, _)| name).next() {
        Some(name) => vec![Finding::wrong(format!("migrations are not numbered one after the other: {name}"), how)],
        None if names.is_empty() => vec![Finding::wrong("there are no migrations", how)],
        None => vec![Finding::good(format!("{} migrations", names.len()))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::finding::Weight;

    #[test]
    fn gaps_twins_and_strangers_are_found() {
        let weigh = |names: &[&str]| findings(&names.iter().map(ToString::to_string).collect::<Vec<_>>())[0].weight;
        assert_eq!(weigh(&["0001_a.sql", "0002_b.sql"]), Weight::Good);
        for names in [&[][..], &["0001_a.sql", "0003_c.sql"], &["0001_a.sql", "0001_b.sql"], &["0001_a.txt"], &["0001_.sql"], &["a.sql"]] {
            assert_eq!(weigh(names), Weight::Wrong, "{names:?}");
        }
    }
}
