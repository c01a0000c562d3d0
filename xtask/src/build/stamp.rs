//! Skips a step when nothing it reads has changed: a digest of its inputs, kept beside its result.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// The inputs of one step, being collected.
pub struct Inputs(Sha256);

impl Inputs {
    /// `recipe` is what the step does: its tools' versions and options.
    pub fn of(recipe: &str) -> Self {
        let mut digest = Sha256::new();
        digest.update(recipe.as_bytes());
        Self(digest)
    }

    /// Adds a file's name and content.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn file(mut self, path: &Path) -> Result<Self> {
        let content = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        self.0.update(path.to_string_lossy().as_bytes());
        self.0.update((content.len() as u64).to_be_bytes());
        self.0.update(&content);
        Ok(self)
    }

    /// Adds every file under a folder.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn folder(self, path: &Path) -> Result<Self> {
        let entries = fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        paths.sort_unstable();
        paths.iter().try_fold(self, |inputs, path| if path.is_dir() { inputs.folder(path) } else { inputs.file(path) })
    }

    /// Runs `work` unless `result` was made from these inputs; says which it was.
    ///
    /// # Errors
    /// Those of `work`; the stamp is then absent, so that the next run repeats the step.
    pub fn make(self, result: &Path, work: impl FnOnce() -> Result<()>) -> Result<String> {
        let digest: String = self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let stamp = stamp_of(result);
        if result.exists() && fs::read_to_string(&stamp).is_ok_and(|have| have == digest) {
            return Ok("unchanged".to_owned());
        }
        let _ = fs::remove_file(&stamp);
        work()?;
        fs::write(&stamp, digest).with_context(|| format!("cannot write {}", stamp.display()))?;
        Ok("done".to_owned())
    }
}

fn stamp_of(result: &Path) -> PathBuf {
    let mut name = result.file_name().unwrap_or_default().to_os_string();
    name.push(".stamp");
    result.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, env, fs, process};

    use anyhow::bail;

    use super::Inputs;

    #[test]
    fn step_is_repeated_when_inputs_change_or_it_failed_and_else_skipped() {
        let folder = env::temp_dir().join(format!("latchkey-stamp-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (result, runs) = (folder.join("result"), Cell::new(0));
        let work = || {
            runs.set(runs.get() + 1);
            Ok(fs::write(&result, "made")?)
        };
        assert_eq!(Inputs::of("a").make(&result, work).unwrap(), "done");
        assert_eq!(Inputs::of("a").make(&result, work).unwrap(), "unchanged");
        assert_eq!(Inputs::of("b").make(&result, work).unwrap(), "done");
        let inputs = folder.join("inputs");
        fs::create_dir_all(inputs.join("deep")).unwrap();
        for (content, outcome) in [("1", "done"), ("1", "unchanged"), ("2", "done")] {
            fs::write(inputs.join("deep/file"), content).unwrap();
            assert_eq!(Inputs::of("b").folder(&inputs).unwrap().make(&result, work).unwrap(), outcome, "a file deep within");
        }
        assert!(Inputs::of("c").make(&result, || bail!("broken")).is_err());
        assert_eq!(Inputs::of("b").make(&result, work).unwrap(), "done");
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(runs.get(), 5);
    }
}
