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
/// A name is good for one content: whoever has it need not ask again.
const FIELDS: &str = "/_latchkey/*\n  Cache-Control: public, max-age=31536000, immutable\n  X-Content-Type-Options: nosniff\n  Cross-Origin-Resource-Policy: same-origin\n";

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
