//! Tells how large the worker is: as it is loaded, and as it is uploaded and limited by the platform (gzipped).

use std::{fs, io::Write, path::Path};

use anyhow::{Context, Result};
use flate2::{Compression, write::GzEncoder};

use crate::{project, step};

/// Prints the size of both files.
///
/// # Errors
/// When they cannot be read.
pub fn print() -> Result<()> {
    for name in ["index_bg.wasm", "index.js"] {
        let path = project::build_dir().join(name);
        let plain = kilobytes(fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?.len());
        let packed = gzipped(&path)?;
        step::tell(&format!("  build/{name:<14} {plain:>7.1} kB, {packed:>6.1} kB gzipped"));
    }
    Ok(())
}

/// A file's size in kB as the platform counts it against its limit.
///
/// # Errors
/// When it cannot be read.
pub fn gzipped(path: &Path) -> Result<f64> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&bytes)?;
    Ok(kilobytes(gzip.finish()?.len()))
}

fn kilobytes(bytes: usize) -> f64 {
    bytes as f64 / 1000.0
}
