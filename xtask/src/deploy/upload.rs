//! What would be uploaded: that it is there and not too large, and that wrangler itself takes it.

use std::{env, fs, path::Path, process};

use anyhow::Result;

use super::finding::Finding;
use crate::{build, project, tools};

/// What the platform takes, gzipped, in kB: <https://developers.cloudflare.com/workers/platform/limits/#worker-size>.
const FREE_KB: f64 = 3_000.0;
const PAID_KB: f64 = 10_000.0;

/// Looks at `build/`, and has wrangler do all of a deployment but the upload.
///
/// # Errors
/// When a file cannot be read.
pub fn check(config: &Path) -> Result<Vec<Finding>> {
    let folder = project::build_dir();
    let files = ["index.js", "index_bg.wasm"].map(|name| folder.join(name));
    if let Some(missing) = files.iter().find(|file| !file.exists()) {
        return Ok(vec![Finding::wrong(format!("{} is not there", project::display(missing)), "cargo xtask build")]);
    }
    let mut size = 0.0;
    for file in &files {
        size += build::gzipped(file)?;
    }
    let assets = folder.join("assets").is_dir();
    let mut findings = vec![weigh(size)];
    if !assets {
        findings.push(Finding::wrong("build/assets is not there: the console would have no style", "cargo xtask build"));
    }
    findings.push(rehearse(config)?);
    Ok(findings)
}

fn weigh(size: f64) -> Finding {
    let what = format!("build/ is {size:.0} kB gzipped");
    if size > PAID_KB {
        Finding::wrong(format!("{what}, the platform takes {PAID_KB:.0}"), "")
    } else if size > FREE_KB {
        Finding::hint(format!("{what}, which needs the paid plan"), "")
    } else {
        Finding::good(what)
    }
}

fn rehearse(config: &Path) -> Result<Finding> {
    let out = env::temp_dir().join(format!("latchkey-deploy-{}", process::id()));
    let mut wrangler = tools::wrangler::command();
    wrangler.args(["deploy", "--dry-run", "--outdir"]).arg(&out).arg("--config").arg(config);
    let output = wrangler.output()?;
    let _ = fs::remove_dir_all(&out);
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let warning = said.lines().find(|line| line.contains("[WARNING]")).map(|line| line.trim().to_owned());
    Ok(match (output.status.success(), warning) {
        (false, _) => Finding::wrong("`wrangler deploy --dry-run` refuses", said.trim()),
        (true, Some(_)) => Finding::hint("`wrangler deploy --dry-run` warns", said.trim()),
        (true, None) => Finding::good("`wrangler deploy --dry-run`"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::finding::Weight;

    #[test]
    fn what_the_platform_does_not_take_is_wrong() {
        assert_eq!([550.0, 3_001.0, 10_001.0].map(|size| weigh(size).weight), [Weight::Good, Weight::Hint, Weight::Wrong]);
    }
}
