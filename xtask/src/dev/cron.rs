//! Fires the cron trigger every minute, as the platform does: the local runtime never does it by itself.

use std::{sync::mpsc, thread, time::Duration};

const MINUTE: Duration = Duration::from_secs(60);

/// Ticks until the returned sender is dropped.
pub fn start(url: String) -> mpsc::Sender<()> {
    let (stop, stopped) = mpsc::channel::<()>();
    thread::spawn(move || {
        while matches!(stopped.recv_timeout(MINUTE), Err(mpsc::RecvTimeoutError::Timeout)) {
            if let Err(error) = ureq::get(format!("{url}/cdn-cgi/local/scheduled")).call() {
                eprintln!("warning: the cron trigger failed: {error}");
            }
        }
    });
    stop
}
