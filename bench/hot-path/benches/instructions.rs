//! How many instructions each step of a hot decision takes, counted by valgrind's callgrind: the same in each run.
//!
//! `cargo bench --package hot-path --bench instructions` prints the counts as JSON; with `-- --update` they become those
//! that the tests hold on to. Under valgrind the program does the work; outside it starts itself there.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use hot_path::{STEPS, Stage, bare};
use latchkey::{key::record::KeyRecord, service::shelf::Shelf};
use serde_json::{Map, Value, json};

/// Tells the program that it is under valgrind.
const COUNTED: &str = "--counted";

/// So often is each step done: what happens now and then, such as memory that grows, has its share.
const TIMES: usize = 200;

/// Callgrind's first part is from before the first step: nothing.
const FIRST_PART: usize = 2;

/// How full a memory is from which the oldest key is evicted.
const FULL: [(&str, usize); 2] = [("evict one of 1000", 1_000), ("evict one of 100000", 100_000)];

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let given = |argument: &str| arguments.iter().any(|given| given == argument);
    if given(COUNTED) {
        return work();
    }
    let counts = format!("{:#}\n", count());
    print!("{counts}");
    if given("--update") {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../instructions.json");
        fs::write(&path, counts).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
    }
}

/// Everything that is counted, in order.
fn names() -> impl Iterator<Item = &'static str> {
    STEPS.iter().map(|(name, _)| *name).chain(FULL.iter().map(|(name, _)| *name))
}

/// Does each step once unseen, so that what is made on first use is there, and then as often as it is counted.
fn work() {
    let stage = Stage::default();
    for (_, step) in STEPS {
        step(&stage);
        counted(&mut || (0..TIMES).for_each(|_| step(&stage)));
    }
    for (_, size) in FULL {
        let shelf: Shelf<KeyRecord> = Shelf::new(size.try_into().expect("more than none"), usize::MAX);
        let mut records = bare(size + TIMES).map(std::rc::Rc::new);
        records.by_ref().take(size).for_each(|record| drop(shelf.remember(record)));
        let newest: Vec<_> = records.collect();
        counted(&mut || newest.iter().for_each(|record| drop(shelf.remember(record.clone()))));
    }
    // For the last of them to be written.
    counted(&mut || {});
}

/// Callgrind counts while this runs, and writes what it has counted before this runs again.
#[inline(never)]
fn counted(work: &mut dyn FnMut()) {
    work();
}

/// Runs this program under callgrind: the compiler, and the instructions of each step by name.
fn count() -> Value {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("instructions");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder for what callgrind writes");
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--quiet", "--toggle-collect=instructions::counted", "--dump-before=instructions::counted"])
        .arg(format!("--callgrind-out-file={}", folder.join("out").display()))
        .arg(env::current_exe().expect("this program"))
        .arg(COUNTED);
    let output = valgrind.output().unwrap_or_else(|error| {
        panic!("valgrind, which counts the instructions, does not start: {error}. Debian's package is `valgrind`; `cargo xtask test` installs it.")
    });
    assert!(output.status.success(), "valgrind failed:\n{}", String::from_utf8_lossy(&output.stderr));
    let counts: Map<String, Value> =
        names().zip(FIRST_PART..).map(|(name, part)| (name.to_owned(), json!(instructions(&folder, part)))).collect();
    json!({"compiler": compiler(), "instructions": counts})
}

fn compiler() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("the compiler tells its version");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Of one step, once: what callgrind wrote into that part of its output.
fn instructions(folder: &Path, part: usize) -> u64 {
    let path = folder.join(format!("out.{part}"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("callgrind wrote no {}: {error}", path.display()));
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")));
    let total: u64 = total.and_then(|total| total.trim().parse().ok()).unwrap_or_else(|| panic!("no total in {}", path.display()));
    total / u64::try_from(TIMES).expect("a small number")
}
