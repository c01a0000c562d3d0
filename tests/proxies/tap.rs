//! The wire between the proxies and Latchkey: it hands everything on as it is, and writes down what Latchkey was asked.

use std::{
    io::{self, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use crate::wire::{self, Request};

/// What stands at the other end.
#[derive(Clone, Debug)]
pub enum End {
    /// Latchkey, at this address.
    Latchkey(String),
    /// Something that answers with these bytes, whatever it is asked, and closes.
    Answering(&'static str),
    /// Nobody: the proxies have an address where nothing listens.
    Nobody,
    /// Something that takes the question and says nothing until the proxy has enough of it.
    Silent,
}

pub struct Tap {
    pub address: String,
    end: Arc<Mutex<End>>,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl Tap {
    pub fn start(end: End) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (end, asked) = (Arc::new(Mutex::new(end)), Arc::new(Mutex::new(Vec::new())));
        let tap = Self { address, end: Arc::clone(&end), asked: Arc::clone(&asked) };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (end, asked) = (Arc::clone(&end), Arc::clone(&asked));
                thread::spawn(move || relay(&stream, &end, &asked));
            }
        });
        tap
    }

    /// Puts something else at the other end, for connections from now on.
    pub fn turn_into(&self, end: End) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = end;
    }

    /// What Latchkey was asked about that key.
    pub fn asked_of(&self, secret: &str) -> Vec<Request> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let about = |request: &&Request| request.values("authorization").iter().any(|value| value.ends_with(secret));
        asked.iter().filter(about).cloned().collect()
    }
}

fn relay(stream: &TcpStream, end: &Mutex<End>, asked: &Mutex<Vec<Request>>) -> Option<()> {
    // A wire holds nothing back.
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let end = end.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut upstream = match &end {
        End::Latchkey(address) => {
            let upstream = TcpStream::connect(address).ok()?;
            upstream.set_nodelay(true).ok()?;
            let (mut from, mut to) = (upstream.try_clone().ok()?, stream.try_clone().ok()?);
            thread::spawn(move || {
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
            Some(upstream)
        }
        End::Answering(_) | End::Silent | End::Nobody => None,
    };
    while let Some(request) = wire::read(&mut reader) {
        asked.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
        match (&end, &mut upstream) {
            (End::Answering(bytes), _) => {
                let mut stream = stream;
                stream.write_all(bytes.as_bytes()).ok()?;
                return stream.shutdown(Shutdown::Both).ok();
            }
            (_, Some(upstream)) => upstream.write_all(&request.raw).ok()?,
            (_, None) => {
                let _ = reader.read(&mut [0]);
            }
        }
    }
    // The proxy has let go of this connection: so does the wire.
    upstream.and_then(|upstream| upstream.shutdown(Shutdown::Both).ok())
}
