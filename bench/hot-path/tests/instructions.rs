//! No step of a hot decision takes more instructions than the last change that was meant to make it so.

use std::{env, process::Command};

use serde_json::Value;

/// How far a count may be from the committed one: hash tables are seeded anew in each run.
const NOISE: f64 = 0.03;

/// The same with another compiler than the one that the committed counts are of.
const OTHER_COMPILER: f64 = 0.15;

const UPDATE: &str =
    "If that is meant: `cargo bench --package hot-path --bench instructions -- --update`, and commit bench/instructions.json.";

/// What the bench prints.
fn counts() -> Value {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["bench", "--quiet", "--locked", "--package", "hot-path", "--bench", "instructions"]);
    let output = cargo.output().expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("counts")
}

#[test]
#[cfg_attr(not(all(target_os = "linux", target_arch = "x86_64")), ignore = "the counts are of x86-64, by valgrind on Linux")]
fn each_step_takes_as_many_instructions_as_it_did() {
    let (counts, committed) = (counts(), include_str!("../../instructions.json"));
    let committed: Value = serde_json::from_str(committed).expect("the committed counts");
    let evicting = |keys: &str| counts["instructions"][format!("evict one of {keys}")].as_f64().expect("a count");
    let growth = evicting("100000") / evicting("1000");
    assert!(growth < 1.05, "to evict one key of 100,000 takes {growth:.2} times what it takes to evict one of 1,000");

    let allowed = if counts["compiler"] == committed["compiler"] { NOISE } else { OTHER_COMPILER };
    let steps = committed["instructions"].as_object().expect("counts by name");
    let names = |counts: &Value| counts["instructions"].as_object().map(|steps| steps.keys().cloned().collect::<Vec<_>>());
    assert_eq!(names(&counts), names(&committed), "other steps are counted. {UPDATE}");
    let moved: Vec<String> = steps
        .iter()
        .filter_map(|(name, before)| {
            let (before, now) = (before.as_f64()?, counts["instructions"][name].as_f64()?);
            let change = now / before - 1.0;
            (change.abs() > allowed).then(|| format!("{name}: {before} → {now} instructions ({:+.1} %)", change * 100.0))
        })
        .collect();
    let compilers = format!("counted with {}, committed with {}", counts["compiler"], committed["compiler"]);
    assert!(moved.is_empty(), "\n{}\n{compilers}; {:.0} % are allowed.\n{UPDATE}\n", moved.join("\n"), allowed * 100.0);
}
