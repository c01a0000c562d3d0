//! The API behind the proxies: it answers everything, and writes down what it got.

use std::{
    io::{BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use crate::wire::{self, Request};

/// What the origin says to everything but a WebSocket.
pub const ANSWER: &str = "from the origin";

/// A field that names the test's own request, so that tests can share an origin.
pub const TRACE: &str = "x-trace";

pub struct Origin {
    pub address: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Origin {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = Arc::clone(&shared);
                thread::spawn(move || serve(&stream, &seen));
            }
        });
        Self { address, seen }
    }

    /// The requests that came with that trace.
    pub fn saw(&self, trace: &str) -> Vec<Request> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().filter(|request| request.values(TRACE).contains(&trace)).cloned().collect()
    }
}

fn serve(stream: &TcpStream, seen: &Mutex<Vec<Request>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    while let Some(request) = wire::read(&mut reader) {
        let (method, upgrade) = (request.method.clone(), request.only("upgrade").map(str::to_ascii_lowercase));
        // Written down before it is answered: whoever has the answer finds it here.
        seen.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        if upgrade.as_deref() == Some("websocket") {
            return echo(reader, stream);
        }
        let length = ANSWER.len();
        let body = if method == "HEAD" { "" } else { ANSWER };
        let head = "Content-Type: text/plain\r\nX-Origin: yes\r\nAllow: GET, POST";
        let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\nContent-Length: {length}\r\n\r\n{body}");
        // In one piece: the kernel holds a second one back until the first is acknowledged.
        writer.write_all(answer.as_bytes()).ok()?;
    }
    Some(())
}

/// A WebSocket for the key of RFC 6455, section 1.3, that says back what it is told, frames and all.
fn echo(mut reader: BufReader<TcpStream>, mut stream: &TcpStream) -> Option<()> {
    let accept = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    stream.write_all(format!("HTTP/1.1 101 Switching Protocols\r\n{accept}\r\n\r\n").as_bytes()).ok()?;
    let mut bytes = [0; 1024];
    loop {
        match reader.read(&mut bytes).ok()? {
            0 => return Some(()),
            count => stream.write_all(bytes.get(..count)?).ok()?,
        }
    }
}
