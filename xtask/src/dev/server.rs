//! `wrangler dev` as a child: started, waited for, and ended with all its processes.

use std::{
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::{step, tools};

const START_LIMIT: Duration = Duration::from_secs(120);
const STOP_LIMIT: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(100);

/// The running server; dropping it ends it.
pub struct Server {
    child: Child,
    port: u16,
    /// Set by Ctrl-C and SIGTERM.
    asked_to_stop: Arc<AtomicBool>,
}

impl Server {
    /// Starts it and waits until it is ready for requests.
    ///
    /// # Errors
    /// When it ends or does not answer in time.
    pub fn start(port: u16, state: &Path) -> Result<Self> {
        let asked_to_stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&asked_to_stop)).context("cannot listen for Ctrl-C")?;
        }
        let child = command(port, state).spawn().context("wrangler could not be started")?;
        let mut server = Self { child, port, asked_to_stop };
        server.wait_until_ready()?;
        Ok(server)
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns when somebody asked for the end, fails when the server ended by itself.
    ///
    /// # Errors
    /// When wrangler ended unasked.
    pub fn serve(&mut self) -> Result<()> {
        while !self.stopping() {
            if let Some(status) = self.ended()? {
                bail!("wrangler ended ({status})");
            }
            thread::sleep(POLL);
        }
        println!("\nStopping …");
        Ok(())
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let address = format!("{}/readyz", self.url());
        let started = Instant::now();
        let mut last = "no answer".to_owned();
        while started.elapsed() < START_LIMIT {
            if self.stopping() {
                bail!("interrupted");
            }
            if let Some(status) = self.ended()? {
                bail!("wrangler ended before it was ready ({status}); its output is above");
            }
            match ureq::get(&address).config().timeout_global(Some(Duration::from_secs(5))).build().call() {
                Ok(answer) if answer.status() == 200 => return Ok(()),
                Ok(answer) => last = answer.status().to_string(),
                Err(error) => last = error.to_string(),
            }
            thread::sleep(POLL);
        }
        bail!("{address} did not answer 200 within {} s ({last})", START_LIMIT.as_secs())
    }

    fn stopping(&self) -> bool {
        self.asked_to_stop.load(Ordering::Relaxed)
    }

    fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().context("cannot watch wrangler")
    }

    /// The whole group: wrangler, workerd, and a build that may be running.
    fn signal(&self, signal: Signal) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal(Signal::TERM);
        let started = Instant::now();
        while started.elapsed() < STOP_LIMIT && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(POLL);
        }
        // Also when wrangler is gone: a workerd that outlived it would hold the port and the state.
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }
}

/// Ends the group when the input closes, which it does however this process ends: a killed `dev` leaves no orphan.
const GUARDED: &str = r#"exec 3<&0; (cat <&3 >/dev/null; kill -TERM 0) & exec "$@" </dev/null"#;

fn command(port: u16, state: &Path) -> Command {
    let mut wrangler = tools::wrangler::command();
    wrangler
        .args(["dev", "--local", "--ip", "127.0.0.1", "--port", &port.to_string(), "--inspector-port", "0"])
        .args(["--show-interactive-dev-session=false", "--persist-to"])
        .arg(state)
        .env(step::QUIET, "1");
    let mut command = tools::within("sh", &["-c", GUARDED, "sh"], &wrangler);
    // A group of its own: Ctrl-C then reaches only this process, which ends the group in order.
    command.stdin(Stdio::piped()).process_group(0);
    command
}
