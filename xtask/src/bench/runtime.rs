//! The runtimes that are measured: the fleet of the built worker, and workers that are alone in theirs.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::client::{Edge, OPERATOR_TOKEN};
use crate::{project, tools};

/// A running runtime with its workers; it ends with this value, and with this process.
pub struct Runtime {
    child: Child,
    /// One for each worker.
    pub edges: Vec<Edge>,
    /// The process of workerd itself, whose time is measured.
    pub workerd: u32,
}

impl Runtime {
    /// Latchkey, with so many edges; `arguments` go to `fleet.mjs`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn latchkey(edges: usize, arguments: &[&str]) -> Result<Self> {
        let digest: String = Sha256::digest(OPERATOR_TOKEN).iter().map(|byte| format!("{byte:02x}")).collect();
        let mut node = node("fleet.mjs");
        node.args(["--edges", &edges.to_string(), "--var", &format!("OPERATOR_TOKEN_SHA256={digest}")]).args(arguments);
        Self::start(node)
    }

    /// A worker without bindings.
    ///
    /// # Errors
    /// When it does not start.
    pub fn lone(main: &Path, wasm: Option<&Path>) -> Result<Self> {
        let mut node = node("lone.mjs");
        node.arg("--main").arg(main);
        if let Some(wasm) = wasm {
            node.arg("--wasm").arg(wasm);
        }
        Self::start(node)
    }

    fn start(mut node: Command) -> Result<Self> {
        let mut child = node.spawn().context("Node does not start")?;
        let output = child.stdout.take().context("Node has no output")?;
        // From here on dropping it ends the child.
        let mut runtime = Self { child, edges: Vec::new(), workerd: 0 };
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let addresses: Value = lines.find_map(|line| serde_json::from_str(&line).ok()).context("the runtime told no addresses")?;
        ensure!(lines.any(|line| line == "ready"), "the runtime ended before it was ready");
        // The worker's console goes on through this pipe; unread it would fill up and block the runtime.
        thread::spawn(move || lines.for_each(|line| eprintln!("[runtime] {line}")));
        let urls = addresses["edges"].as_array().context("the runtime told no edges")?;
        runtime.edges = urls.iter().filter_map(Value::as_str).map(Edge::new).collect();
        runtime.workerd = workerd_of(&addresses["pid"])?;
        Ok(runtime)
    }

    /// The edge of that number.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn edge(&self, number: usize) -> Result<&Edge> {
        self.edges.get(number).with_context(|| format!("there is no edge {number}"))
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // The script takes the end of its input as its own, and ends workerd.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn node(script: &str) -> Command {
    let mut node = tools::npm::command("node");
    node.current_dir(project::root()).arg(format!("xtask/runtime/{script}")).arg("--exit-with-stdin");
    node.stdin(Stdio::piped()).stdout(Stdio::piped());
    node
}

/// The one child of the script that is workerd.
fn workerd_of(parent: &Value) -> Result<u32> {
    let parent = parent.as_u64().context("the runtime told no process id")?;
    let children = fs::read_dir("/proc").context("the bench needs Linux, whose /proc tells the time that a process used")?.flatten();
    let is_workerd = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.contains("(workerd)") && stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)) == Some(&parent.to_string())
    };
    let mut pids = children.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.find(is_workerd).context("the runtime has no workerd")
}
