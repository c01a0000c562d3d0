//! Running a scenario in Chromium.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::runtime;

/// What `cargo xtask test` found or installed; without it, what the search path has.
fn chromium() -> PathBuf {
    if let Some(path) = env::var_os("LATCHKEY_CHROMIUM") {
        return path.into();
    }
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    let found = ["chromium", "chromium-browser", "google-chrome"]
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|path| path.is_file());
    found.expect("there is no Chromium: `cargo xtask test` finds or installs one")
}

/// Where screenshots are left for whoever wants to look.
pub fn screenshots() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser")
}

/// Plays a scenario of that file; what it reports. A scenario that finds something fails with its own message.
pub fn play(file: &str, scenario: &str, input: &Value) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser").join(file);
    let output = Command::new(runtime::node())
        .arg(script)
        .args([scenario, &input.to_string()])
        .env("LATCHKEY_CHROMIUM", chromium())
        .env("LATCHKEY_SCREENSHOTS", screenshots())
        .output()
        .expect("Node starts");
    assert!(output.status.success(), "{scenario}:\n{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("a report")
}
