//! The console's static files: served by the platform beside the worker, under names that change with their content.
//!
//! Only the names are compiled in: a constant's bytes are read by the compiler and are not part of the wasm. The build
//! (`xtask/src/build/assets.rs`) gives the files the same names.

/// The style sheet's address.
#[must_use]
pub fn style() -> String {
    address("css", STYLE)
}

/// The script's address.
#[must_use]
pub fn script() -> String {
    address("js", SCRIPT)
}

const STYLE: u64 = digest(include_bytes!("../../../assets/console.css"));
const SCRIPT: u64 = digest(include_bytes!("../../../assets/console.js"));

fn address(kind: &str, digest: u64) -> String {
    format!("/_latchkey/console.{digest:016x}.{kind}")
}

/// FNV-1a of 64 bits. It tells versions of a file apart, and vouches for nothing.
#[expect(clippy::indexing_slicing, reason = "the compiler runs it; iterators are no constants yet")]
const fn digest(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_published_vectors_of_the_digest() {
        assert_eq!((digest(b""), digest(b"a"), digest(b"foobar")), (0xcbf2_9ce4_8422_2325, 0xaf63_dc4c_8601_ec8c, 0x8594_4171_f739_67e8));
    }
}
