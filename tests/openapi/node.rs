//! Running the tools that npm brings, on the project's own Node.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use serde_json::Value;

use crate::runtime;

/// A file of the project.
pub fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The output of a script or tool; a failure is told with all that it said.
pub fn run(script: &str, arguments: &[&str], input: Option<&Value>) -> String {
    let mut command = Command::new(runtime::node());
    command.arg(file(script)).args(arguments).current_dir(file("."));
    // No tool of a test tells anybody anything, nor looks for a newer self.
    command.env("REDOCLY_TELEMETRY", "off").env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true").env("CI", "true");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("Node starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    let text = input.map(Value::to_string).unwrap_or_default();
    let writing = thread::spawn(move || pipe.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("Node ends");
    let _ = writing.join();
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}:\n{said}\n{complained}");
    said.into_owned()
}
