//! Wrangler as this project runs it: on the project's Node, without questions, telemetry or calls to the outside.

use std::process::Command;

use super::npm;
use crate::project;

/// `wrangler`, in the root.
pub fn command() -> Command {
    let mut command = npm::command("wrangler");
    command
        .current_dir(project::root())
        .env("WRANGLER_SEND_METRICS", "false")
        .env("WRANGLER_SEND_ERROR_REPORTS", "false")
        .env("WRANGLER_HIDE_BANNER", "true")
        // The local stand-in for `request.cf` would be downloaded.
        .env("CLOUDFLARE_CF_FETCH_ENABLED", "false")
        // Wrangler asks nothing where it believes to be in CI.
        .env("CI", "1");
    command
}
