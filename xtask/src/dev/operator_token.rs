//! The operator's token: made on the first start, in plain text only in a private file. The worker gets its digest.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::project;

const VARIABLE: &str = "OPERATOR_TOKEN_SHA256";

/// Where the plain text is.
pub fn path() -> PathBuf {
    project::private_dir().join("operator-token")
}

/// Reads the token or makes one, and sees to it that `.dev.vars` has its digest.
///
/// # Errors
/// When a file cannot be read or written.
pub fn ensure() -> Result<String> {
    let token = match fs::read_to_string(path()) {
        Ok(text) if text.trim().starts_with("lko_") => text.trim().to_owned(),
        _ => create()?,
    };
    let digest: String = Sha256::digest(&token).iter().map(|byte| format!("{byte:02x}")).collect();
    write_variable(&project::root().join(".dev.vars"), &digest)?;
    Ok(token)
}

/// `lko_` and 256 random bits.
fn create() -> Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("the system gives no random bytes: {error}"))?;
    let token = format!("lko_{}", URL_SAFE_NO_PAD.encode(bytes));
    project::write_private(&path(), &format!("{token}\n"))?;
    Ok(token)
}

/// Sets the one line and keeps the others: developers have settings of their own there.
fn write_variable(file: &Path, digest: &str) -> Result<()> {
    let before = fs::read_to_string(file).unwrap_or_default();
    let line = format!("{VARIABLE}={digest}");
    let others = before.lines().filter(|have| !have.trim_start().starts_with(&format!("{VARIABLE}=")));
    let mut after: String = others.map(|have| format!("{have}\n")).collect();
    after.push_str(&format!("{line}\n"));
    if before.lines().any(|have| have == line) {
        return Ok(());
    }
    fs::write(file, after).with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use std::{env, fs, process};

    use super::write_variable;

    #[test]
    fn other_settings_are_kept_and_an_old_digest_is_replaced() {
        let file = env::temp_dir().join(format!("latchkey-dev-vars-{}", process::id()));
        fs::write(&file, "OTHER=1\nOPERATOR_TOKEN_SHA256=old\nLAST=2").unwrap();
        write_variable(&file, "new").unwrap();
        write_variable(&file, "new").unwrap();
        let text = fs::read_to_string(&file).unwrap();
        fs::remove_file(&file).unwrap();
        assert_eq!(text, "OTHER=1\nLAST=2\nOPERATOR_TOKEN_SHA256=new\n");
    }
}
