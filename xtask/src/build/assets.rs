//! The static files that the platform serves beside the worker, under names that change with their content.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::project;

/// The files, and what they end with.
const FILES: [(&str, &str); 2] = [("console", "css"), ("console", "js")];
/// Where they are served. No route of the worker begins so.
const FOLDER: &str = "_latchkey";
/// The files of the docs, and where they come from. Their names stay, so whoever has one asks again after a while.
const DOCS: [(&str, &str); 11] = [
    ("openapi.json", "assets/openapi.json"),
    ("docs.html", "assets/docs/docs.html"),
    ("docs.css", "assets/docs/docs.css"),
    ("docs.js", "assets/docs/docs.js"),
    ("embed.js", "assets/docs/embed.js"),
    ("grant.html", "assets/docs/grant.html"),
    ("grant.js", "assets/docs/grant.js"),
    ("description.js", "assets/docs/description.js"),
    ("viewer.html", "assets/docs/viewer.html"),
    ("viewer.js", "assets/docs/viewer.js"),
    ("rapidoc-min.js", "node_modules/rapidoc/dist/rapidoc-min.js"),
];
/// Where they are served.
const DOCS_FOLDER: &str = "_latchkey-docs";
/// What the platform says of each.
const FIELDS: &str = include_str!("fields.txt");

/// Each file of the folder to be served: its path there and its content.
///
/// # Errors
/// When a source cannot be read.
pub fn collect() -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut files = vec![(PathBuf::from("_headers"), FIELDS.as_bytes().to_vec())];
    for (name, kind) in FILES {
        let source = project::root().join("assets").join(format!("{name}.{kind}"));
        let content = fs::read(&source).with_context(|| format!("cannot read {}", source.display()))?;
        let path = Path::new(FOLDER).join(format!("{name}.{:016x}.{kind}", digest(&content)));
        files.push((path, content));
    }
    for (name, source) in DOCS {
        let source = project::root().join(source);
        let content = fs::read(&source).with_context(|| format!("cannot read {}", source.display()))?;
        files.push((Path::new(DOCS_FOLDER).join(name), content));
    }
    Ok(files)
}

/// FNV-1a of 64 bits, as the worker has it (`src/http/console/assets.rs`), where the compiler runs it.
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::digest;

    #[test]
    fn names_follow_the_published_vectors_of_the_digest() {
        assert_eq!((digest(b""), digest(b"a"), digest(b"foobar")), (0xcbf2_9ce4_8422_2325, 0xaf63_dc4c_8601_ec8c, 0x8594_4171_f739_67e8));
    }
}
