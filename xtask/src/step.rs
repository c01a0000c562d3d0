//! Progress: one line per step with its time, and the whole output of a step that failed.

use std::{
    env,
    io::Write,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, bail};

/// Runs `work` and prints its name, its result in a word, and its time.
///
/// # Errors
/// Those of `work`.
pub fn timed<T>(name: &str, work: impl FnOnce() -> Result<(T, String)>) -> Result<T> {
    let started = Instant::now();
    let (value, outcome) = work()?;
    tell(&format!("  {name:<14} {outcome:<34} {:>6.1} s", started.elapsed().as_secs_f64()));
    Ok(value)
}

/// Set for the builds that `dev` has wrangler run: only what fails is of interest there.
pub const QUIET: &str = "LATCHKEY_QUIET";

/// Prints a line of progress.
pub fn tell(text: &str) {
    if env::var_os(QUIET).is_none() {
        println!("{text}");
        let _ = std::io::stdout().flush();
    }
}

/// Runs a command whose output is only of interest when it fails.
///
/// # Errors
/// When it cannot be started or exits non-zero; the message has its output.
pub fn quietly(command: &mut Command) -> Result<()> {
    let name = command_name(command);
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("`{name}` could not be started"))?;
    if !output.status.success() {
        bail!(
            "`{name}` failed ({}):\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

/// Runs a command whose output the developer should see as it comes.
///
/// # Errors
/// When it cannot be started or exits non-zero.
pub fn aloud(command: &mut Command) -> Result<()> {
    let name = command_name(command);
    let status = command.status().with_context(|| format!("`{name}` could not be started"))?;
    if !status.success() {
        bail!("`{name}` failed ({status})");
    }
    Ok(())
}

/// The trimmed output of a command, or `None` when it is not there or fails.
pub fn answer(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

fn command_name(command: &Command) -> String {
    let program = command.get_program().to_string_lossy().into_owned();
    let short = program.rsplit('/').next().unwrap_or(&program).to_owned();
    let arguments: Vec<_> = command.get_args().take(4).map(|a| a.to_string_lossy().into_owned()).collect();
    format!("{short} {}", arguments.join(" ")).trim().to_owned()
}
