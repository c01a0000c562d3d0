//! Secrets and variables. Names are checked here; whether values are good says the worker itself, which is started with them.

use std::{
    env, fs,
    io::{BufRead, BufReader, pipe},
    process::{self, Stdio},
};

use anyhow::{Context, Result};
use serde_json::Value as Json;
use toml::{Table, Value};

use super::finding::Finding;
use crate::{project, tools};

pub const OPERATOR: &str = "OPERATOR_TOKEN_SHA256";
pub const HOW_TO_SET: &str =
    "npx wrangler secret put OPERATOR_TOKEN_SHA256\nwith the SHA-256 of a token of yours: docs/deploy.md, \"First deployment\"";

/// The variables that the worker reads.
const KNOWN: [&str; 17] = [
    OPERATOR,
    "ACCEPT_X_API_KEY",
    "MEMBER_ISSUER",
    "MEMBER_AUDIENCE",
    "MEMBER_JWKS_URL",
    "MEMBER_ORG_CLAIM",
    "MEMBER_ROLE_CLAIM",
    "MEMBER_USER_CLAIM",
    "MEMBER_NAME_CLAIM",
    "GATEWAY_HOST",
    "ORIGIN_URL",
    "GATEWAY_TIMEOUT_MS",
    "GATEWAY_PREFLIGHT",
    "GATEWAY_CORS_ORIGINS",
    "DECISION_LOG",
    "DECISION_LOG_SAMPLE",
    "DECISION_LOG_IP",
];

/// The digest that this machine knows: of the environment, else of .dev.vars.
pub fn operator_digest() -> Option<String> {
    let file = fs::read_to_string(project::root().join(".dev.vars")).unwrap_or_default();
    let line = file.lines().find_map(|line| line.trim().strip_prefix(OPERATOR)?.trim_start().strip_prefix('='));
    env::var(OPERATOR).ok().or_else(|| line.map(|text| text.trim().trim_matches('"').to_owned()))
}

/// Looks at `[vars]`, and at the digest of the operator token if one is known here.
///
/// # Errors
/// When the worker cannot be started here.
pub fn check(config: &Table, digest: &Option<String>) -> Result<Vec<Finding>> {
    let vars = config.get("vars").and_then(Value::as_table).cloned().unwrap_or_default();
    let mut findings = names(&vars);
    findings.push(operator(&vars, digest.as_deref()));
    let has_origin = config.get("services").and_then(Value::as_array).into_iter().flatten();
    let has_origin = has_origin.filter_map(|service| service.get("binding")?.as_str()).any(|name| name == "ORIGIN");
    findings.push(match refusal(&vars, has_origin)? {
        None => Finding::good("the worker was started here with these [vars]: its settings are good"),
        Some(cause) => {
            Finding::wrong(format!("the worker was started here with these [vars] and refuses: {cause}"), "docs/deploy.md, \"Settings\"")
        }
    });
    Ok(findings)
}

fn names(vars: &Table) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, value) in vars {
        if !KNOWN.contains(&name.as_str()) {
            findings.push(Finding::wrong(format!("[vars] has {name}, which nobody reads"), near(name)));
        } else if !value.is_str() {
            findings.push(Finding::wrong(format!("{name} must be a text, in quotes"), ""));
        }
    }
    findings
}

/// The known name that shares most of its beginning with this one.
fn near(name: &str) -> String {
    let shared = |known: &&str| known.chars().zip(name.to_ascii_uppercase().chars()).take_while(|(a, b)| a == b).count();
    KNOWN.into_iter().max_by_key(shared).filter(|known| shared(known) > 3).map(|known| format!("is {known} meant?")).unwrap_or_default()
}

fn operator(vars: &Table, digest: Option<&str>) -> Finding {
    let is_digest = |text: &str| text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let are_good = |text: &str| text.split(',').count() <= 2 && text.split(',').all(|part| is_digest(part.trim()));
    let how = "one SHA-256 in 64 lower-case hexadecimal digits, or two with a comma between them";
    match (vars.get(OPERATOR).and_then(Value::as_str), digest) {
        (Some(text), _) if !are_good(text) => Finding::wrong(format!("{OPERATOR} in [vars] is no digest"), how),
        (Some(_), _) => Finding::hint(format!("{OPERATOR} is in [vars], for all to read who see the file"), HOW_TO_SET),
        (None, Some(text)) if !are_good(text) => Finding::wrong(format!("{OPERATOR} on this machine is no digest"), how),
        (None, _) => Finding::hint(format!("{OPERATOR} is a secret: only the account knows whether it is set"), HOW_TO_SET),
    }
}

/// Why the worker itself does not take these variables, if it does not.
fn refusal(vars: &Table, has_origin: bool) -> Result<Option<String>> {
    let mut node = tools::npm::command("node");
    node.current_dir(project::root()).args(["xtask/runtime/fleet.mjs", "--exit-with-stdin"]);
    // Whether there is an operator is another question.
    node.args(["--var", &format!("{OPERATOR}={}", "0".repeat(64))]);
    for (name, value) in vars.iter().filter(|(name, _)| *name != OPERATOR) {
        node.args(["--var", &format!("{name}={}", value.as_str().unwrap_or_default())]);
    }
    let origin = env::temp_dir().join(format!("latchkey-origin-{}.mjs", process::id()));
    if has_origin {
        fs::write(&origin, "export default { fetch: () => new Response() };")?;
        node.arg("--origin").arg(&origin);
    }
    let (output, writer) = pipe()?;
    node.stdin(Stdio::piped()).stdout(writer.try_clone()?).stderr(writer);
    let mut fleet = node.spawn().context("Node does not start")?;
    // The command keeps the pipe's other end open as long as it lives.
    drop(node);
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    let ready: Option<Json> = lines.find_map(|line| serde_json::from_str(&line).ok());
    let url = ready.as_ref().and_then(|ready| ready["edges"][0].as_str()).context("the worker does not start here")?;
    let config = ureq::Agent::config_builder().http_status_as_error(false).build();
    let answer = ureq::Agent::new_with_config(config).get(format!("{url}/readyz")).call()?;
    let is_ready = answer.status() == 200;
    drop(fleet.stdin.take());
    let said: Vec<String> = lines.collect();
    let _ = fleet.wait();
    let _ = fs::remove_file(&origin);
    let cause = said.iter().find_map(|line| line.split_once("the deployment is not configured: ")).map(|(_, cause)| cause.to_owned());
    Ok((!is_ready).then(|| cause.unwrap_or_else(|| said.join("\n"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::finding::Weight;

    fn vars(text: &str) -> Table {
        text.parse().unwrap()
    }

    #[test]
    fn names_that_nobody_reads_are_wrong_and_the_nearest_is_suggested() {
        assert_eq!(names(&vars("GATEWAY_HOST = \"api.example.com\"\nDECISION_LOG = \"all\"")), []);
        let found = names(&vars("MEMBER_ISSUR = \"https://idp.example.com\"\nGATEWAY_TIMEOUT_MS = 5"));
        assert_eq!(found.len(), 2);
        assert!(found.iter().any(|finding| finding.what.contains("MEMBER_ISSUR") && finding.how.contains("MEMBER_ISSUER")));
        assert!(found.iter().any(|finding| finding.what.contains("GATEWAY_TIMEOUT_MS must be a text")));
    }

    #[test]
    fn a_digest_is_64_lower_case_digits_and_there_are_two_at_most() {
        let digest = "ab".repeat(32);
        let weigh = |text: &str| operator(&Table::new(), Some(text)).weight;
        assert_eq!((weigh(&digest), weigh(&format!("{digest},{digest}"))), (Weight::Hint, Weight::Hint));
        for bad in ["", "lko_token", &digest.to_uppercase(), &format!("{digest},{digest},{digest}"), &digest[1..]] {
            assert_eq!(weigh(bad), Weight::Wrong, "{bad}");
        }
        assert_eq!(operator(&vars("OPERATOR_TOKEN_SHA256 = \"x\""), None).weight, Weight::Wrong);
        assert_eq!(operator(&Table::new(), None).weight, Weight::Hint);
    }

    #[test]
    fn every_name_that_is_documented_is_known_and_the_other_way_round() {
        let docs = ["docs/deploy.md", "docs/members.md", "docs/gateway.md", "docs/logging.md"];
        let docs: String = docs.iter().map(|page| fs::read_to_string(project::root().join(page)).unwrap()).collect();
        for name in KNOWN {
            assert!(docs.contains(&format!("`{name}`")), "{name} is not documented");
        }
    }
}
