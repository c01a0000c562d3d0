//! How long a worker takes from nothing to its first answer, beside an empty Rust worker.
//!
//! workerd serves one worker and starts its isolate with itself: its own start is the same for all, and falls out of the
//! difference. The first request of Latchkey is one without a credential, which needs no store.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use super::{Plan, row::Row};
use crate::{build, project};

const MORE: &str = "start to first answer, more than an empty Rust worker";

pub const ROWS: [&str; 3] = [MORE, "start to first answer, Latchkey", "start to first answer, empty Rust worker"];

/// A start takes little, and varies: more rounds than of a load.
const STARTS_PER_ROUND: u32 = 4;
const LIMIT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_micros(200);

/// Starts both in turns.
///
/// # Errors
/// When one does not answer.
pub fn measure(plan: &Plan) -> Result<Vec<Row>> {
    let latchkey = prepare("latchkey", &project::build_dir())?;
    let empty = prepare("empty-rust", &build::yardstick()?)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds * STARTS_PER_ROUND {
        ours.push(first_answer(&latchkey, "/v1/auth", "401")?);
        theirs.push(first_answer(&empty, "/", "200")?);
    }
    let more: Vec<f64> = ours.iter().zip(&theirs).map(|(ours, theirs)| ours - theirs).collect();
    let [_, of_latchkey, of_empty] = ROWS;
    Ok(vec![Row::of(MORE, &more, "ms").at_most(20.0), Row::of(of_latchkey, &ours, "ms"), Row::of(of_empty, &theirs, "ms")])
}

/// A folder with the worker's files, beside which a configuration can name them.
fn prepare(name: &str, built: &Path) -> Result<PathBuf> {
    let folder = project::root().join("target/bench-start").join(name);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for file in ["index.js", "index_bg.wasm"] {
        fs::copy(built.join(file), folder.join(file)).with_context(|| format!("cannot copy {file}"))?;
    }
    Ok(folder)
}

fn first_answer(folder: &Path, path: &str, status: &str) -> Result<f64> {
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let config = folder.join("bench.capnp");
    fs::write(&config, configuration(port)?).with_context(|| format!("cannot write {}", config.display()))?;
    let mut workerd = Command::new(workerd()?);
    workerd.arg("serve").arg(&config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let started = Instant::now();
    let mut running = Ended(workerd.spawn().context("workerd does not start")?);
    let answer = loop {
        if let Ok(answer) = ask(port, path) {
            break answer;
        }
        if running.0.try_wait()?.is_some() || started.elapsed() > LIMIT {
            bail!("workerd does not serve {}", config.display());
        }
        thread::sleep(POLL);
    };
    let time = started.elapsed();
    ensure!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path} answered {answer}");
    Ok(time.as_secs_f64() * 1000.0)
}

/// The first line of the answer.
fn ask(port: u16, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(!answer.is_empty(), "no answer");
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

fn configuration(port: u16) -> Result<String> {
    let settings = fs::read_to_string(project::root().join("wrangler.toml")).context("cannot read wrangler.toml")?;
    let date = settings.lines().find_map(|line| line.strip_prefix("compatibility_date = ")).context("wrangler.toml has no date")?;
    Ok(format!(
        r#"using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:{port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "index.js", esModule = embed "index.js"), (name = "./index_bg.wasm", wasm = embed "index_bg.wasm")],
  compatibilityDate = {date},
);
"#
    ))
}

/// The binary itself: npm's command is a script around it, whose own start would be measured too.
fn workerd() -> Result<PathBuf> {
    let platforms = fs::read_dir(project::root().join("node_modules/@cloudflare")).context("the npm packages are not installed")?;
    let binaries = platforms.flatten().map(|entry| entry.path().join("bin/workerd"));
    binaries.into_iter().find(|path| path.is_file()).context("npm installed no workerd")
}

/// A process that ends with this value.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
