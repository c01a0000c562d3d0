//! The real runtime for the edge tests: a fleet of the built wasm in workerd, with real KV, D1 and Durable Objects.
//!
//! `shared()` is one fleet for the whole test process; [`Fleet::start`] gives a test its own. Either ends with the
//! process, whatever ends it: the child exits when its standard input closes.

use std::{
    env, fs,
    io::{self, BufRead, BufReader},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use serde_json::Value;
use sha2::{Digest, Sha256};

use self::console::Console;
use crate::client::{self, Edge, Response};

#[path = "console.rs"]
mod console;

/// The operator token that every fleet accepts.
pub const OPERATOR_TOKEN: &str = "lko_test0operator0token0for0the0edge0tests00000";

/// How a fleet is started.
pub struct Options {
    /// Edges, each in an isolate of its own, over one shared state.
    pub edges: u16,
    /// Whether `Edge::faults` works; it puts a layer before each binding.
    pub faults: bool,
    /// Whether the state survives `Fleet::restart`.
    pub keep_state: bool,
    /// Variables of the worker besides the operator token's digest.
    pub vars: Vec<(String, String)>,
    /// Other limits than `wrangler.toml`'s for rate-limiting bindings, by name.
    pub rate_limits: Vec<(&'static str, u32)>,
    /// A worker that is bound as `ORIGIN`: a file of the project.
    pub origin: Option<&'static str>,
    /// Whether the console's static files are served, before each request is the worker's.
    pub assets: bool,
    /// The first edge's port, where it has to be known before; otherwise any.
    pub port: u16,
    /// Whether a data set is bound as `ANALYTICS`.
    pub analytics: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            edges: 1,
            faults: true,
            keep_state: false,
            vars: Vec::new(),
            rate_limits: Vec::new(),
            origin: None,
            assets: false,
            port: 0,
            analytics: false,
        }
    }
}

/// A running fleet.
pub struct Fleet {
    child: Child,
    options: Options,
    state: Option<PathBuf>,
    scheduled_url: String,
    pub edges: Vec<Edge>,
    /// What the workers wrote to their console.
    pub console: Arc<Console>,
}

/// One fleet with one edge, for all tests that need nothing special.
pub fn shared() -> &'static Fleet {
    static SHARED: OnceLock<Fleet> = OnceLock::new();
    SHARED.get_or_init(|| Fleet::start(Options { faults: false, ..Options::default() }))
}

impl Fleet {
    /// Starts a fleet and waits until it answers.
    pub fn start(options: Options) -> Self {
        let state = options.keep_state.then(state_folder);
        let console = Arc::new(Console::default());
        let (child, ready) = spawn(&options, state.as_deref(), &console);
        let (edges, scheduled_url) = addresses(&ready);
        Self { child, options, state, scheduled_url, edges, console }
    }

    /// Stops the fleet and starts it again on the same state (if it keeps one); its ports change.
    pub fn restart(&mut self) {
        self.stop();
        self.start_again();
    }

    /// As [`Fleet::restart`], with something done to the state while nobody uses it.
    pub fn restart_after(&mut self, work: impl FnOnce(&Path)) {
        self.stop();
        work(self.state.as_deref().expect("a kept state"));
        self.start_again();
    }

    /// Kills the runtime where it stands, so that nothing is written or said any more, and starts it again as
    /// [`Fleet::restart`] does.
    pub fn die_and_restart(&mut self) {
        // Node and what it started are one group of processes, named after Node.
        let group = format!("-{}", self.child.id());
        let killed = Command::new("kill").args(["-KILL", "--", &group]).status().expect("there is a kill");
        assert!(killed.success(), "not killed");
        let _ = self.child.wait();
        // A process lets go of its ports when it lets go of its files.
        while self.edges.iter().any(Edge::listens) {
            std::thread::yield_now();
        }
        self.start_again();
    }

    fn start_again(&mut self) {
        let (child, ready) = spawn(&self.options, self.state.as_deref(), &self.console);
        self.child = child;
        (self.edges, self.scheduled_url) = addresses(&ready);
    }

    /// The edges, for who asks them while the fleet is restarted.
    pub fn copies(&self) -> Vec<Edge> {
        self.edges.iter().map(|edge| Edge::new(&edge.base_url)).collect()
    }

    /// Where the state is kept, if it is.
    pub fn state_folder(&self) -> Option<&Path> {
        self.state.as_deref()
    }

    /// The process that runs the edges.
    pub fn workerd(&self) -> u32 {
        let children = |id: u32| fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        let node = self.child.id();
        let found = children(node)
            .split_whitespace()
            .filter_map(|id| id.parse().ok())
            .find(|id: &u32| fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|name| name.trim() == "workerd"));
        found.expect("the runtime is a child of Node")
    }

    /// The first edge.
    pub fn edge(&self) -> &Edge {
        self.edges.first().expect("a fleet has an edge")
    }

    /// Fires the cron trigger on the first edge and waits for it to finish.
    pub fn scheduled(&self) -> Response {
        client::get(&self.scheduled_url)
    }

    /// Closes the child's input, which it takes as the end, so that it writes its state and cleans up.
    fn stop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.stop();
        if let Some(state) = &self.state {
            let _ = fs::remove_dir_all(state);
        }
    }
}

fn spawn(options: &Options, state: Option<&Path>, console: &Arc<Console>) -> (Child, Value) {
    let root = root();
    let node = node();
    let built = root.join("build/index.js");
    assert!(built.exists() && node.exists(), "the worker is not built: run `cargo xtask test`");

    let mut command = Command::new(node);
    command.current_dir(&root).arg("xtask/runtime/fleet.mjs").args(["--exit-with-stdin", "--base-port", &options.port.to_string()]);
    command.args(["--edges", &options.edges.to_string()]);
    command.args(["--var", &format!("OPERATOR_TOKEN_SHA256={}", hex(&Sha256::digest(OPERATOR_TOKEN)))]);
    for (name, value) in &options.vars {
        command.args(["--var", &format!("{name}={value}")]);
    }
    for (name, limit) in &options.rate_limits {
        command.args(["--rate-limit", &format!("{name}={limit}")]);
    }
    if let Some(origin) = options.origin {
        command.args(["--origin", origin]);
    }
    if options.analytics {
        command.arg("--analytics");
    }
    if options.faults {
        command.arg("--faults");
    }
    if options.assets {
        command.arg("--assets");
    }
    if let Some(state) = state {
        command.arg("--state").arg(state);
    }
    // Both of its outputs through one pipe: lines stand in the order in which they were written.
    let (output, writer) = io::pipe().expect("there are pipes");
    command.process_group(0).stdin(Stdio::piped()).stdout(writer.try_clone().expect("there are pipes")).stderr(writer);
    let child = command.spawn().expect("Node starts");
    let mut lines = BufReader::new(output).lines().map_while(Result::ok).inspect(|line| eprintln!("[fleet] {line}"));
    let ready = lines.find_map(|line| serde_json::from_str(&line).ok()).expect("the fleet tells its addresses");
    assert!(lines.any(|line| line == "ready"), "the fleet ended before it was ready");
    // The worker's console goes on through this pipe; unread it would fill up and block the fleet.
    let console = Arc::clone(console);
    std::thread::spawn(move || {
        lines.for_each(|line| console.add(line));
    });
    (child, ready)
}

fn addresses(ready: &Value) -> (Vec<Edge>, String) {
    let urls = ready["edges"].as_array().expect("a list of edges");
    let edges = urls.iter().filter_map(Value::as_str).map(Edge::new).collect();
    (edges, ready["scheduled"].as_str().expect("an address of the cron trigger").to_owned())
}

/// The project's own Node.
pub fn node() -> PathBuf {
    root().join("node_modules/.bin/node")
}

/// The project's folder.
pub fn root() -> PathBuf {
    env::var_os("LATCHKEY_ROOT").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}

fn state_folder() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let shared_memory = Path::new("/dev/shm");
    let base = if shared_memory.is_dir() { shared_memory.to_path_buf() } else { env::temp_dir() };
    base.join(format!("latchkey-edge-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
