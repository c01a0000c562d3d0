//! A real API behind the gateway: it answers, streams, hangs and breaks off as each request tells it, and says what it
//! received. See `origin/server.mjs` for the levers.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    client::{self, Edge, Response},
    given::{self, Key, Org},
    runtime::{self, Fleet, Options},
};

/// The host of every gateway here.
pub const HOST: &str = "api.example.test";

/// A running origin. It ends when this is dropped or the test process ends, whatever ends it.
pub struct Origin {
    child: Child,
    pub url: String,
    control: String,
}

/// One gateway before one origin, for all tests that need nothing special.
pub fn shared() -> &'static (Origin, Fleet) {
    static SHARED: OnceLock<(Origin, Fleet)> = OnceLock::new();
    SHARED.get_or_init(|| {
        let origin = Origin::start();
        let fleet = origin.gateway(&[]);
        (origin, fleet)
    })
}

/// A policy that maps `/v1/…` to leads.
pub fn mapped() -> Value {
    json!({"routes": [{"path": "/v1/*", "resource": "leads"}]})
}

/// An organization whose keys may go anywhere under `/v1`.
pub fn org(edge: &Edge) -> Org<'_> {
    given::org(edge, mapped())
}

/// A key that may do everything there.
pub fn key(edge: &Edge) -> Key {
    org(edge).key(json!({"permissions": ["leads:read", "leads:create", "leads:update", "leads:delete"]}))
}

impl Origin {
    pub fn start() -> Self {
        let mut command = Command::new(runtime::node());
        command.current_dir(runtime::root()).arg("tests/edge/origin/server.mjs");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Node starts");
        let output = child.stdout.take().expect("its output is piped");
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let ready: Value = lines.find_map(|line| serde_json::from_str(&line).ok()).expect("the origin tells its address");
        // Unread, the pipe would fill up and block the origin.
        std::thread::spawn(move || lines.for_each(|line| eprintln!("[origin] {line}")));
        Self { child, url: given::text(&ready["url"]), control: given::text(&ready["control"]) }
    }

    /// A fleet whose gateway stands before this origin, with these settings more.
    pub fn gateway(&self, settings: &[(&str, &str)]) -> Fleet {
        gateway_before(&[&[("ORIGIN_URL", self.url.as_str())], settings].concat(), None)
    }

    /// What came with the request of that case, once it is there.
    pub fn seen(&self, case: &str) -> Seen {
        Seen(self.ask(&format!("seen?case={case}")))
    }

    /// What is known of an event of that case, once it happened.
    pub fn event(&self, case: &str, name: &str) -> Value {
        self.ask(&format!("event?case={case}&name={name}"))
    }

    /// Whether the case's request came.
    pub fn knows(&self, case: &str) -> bool {
        self.ask(&format!("known?case={case}")) == json!(true)
    }

    /// Lets it go on to the next step.
    pub fn go(&self, case: &str) {
        assert_eq!(client::post(&format!("{}/go?case={case}", self.control), &json!({})).status, 200);
    }

    fn ask(&self, question: &str) -> Value {
        client::get(&format!("{}/{question}", self.control)).value()
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// A fleet with a gateway and these settings, perhaps before a worker.
pub fn gateway_before(settings: &[(&str, &str)], worker: Option<&'static str>) -> Fleet {
    let mut vars = vec![("GATEWAY_HOST".to_owned(), HOST.to_owned())];
    vars.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Fleet::start(Options { vars, faults: false, origin: worker, ..Options::default() })
}

/// A request as the origin got it.
pub struct Seen(pub Value);

impl Seen {
    pub fn method(&self) -> &str {
        self.0["method"].as_str().expect("a method")
    }

    pub fn url(&self) -> &str {
        self.0["url"].as_str().expect("an address")
    }

    /// Names, in small letters, and values, in order.
    pub fn fields(&self) -> Vec<(String, &str)> {
        let all: Vec<&str> = self.0["fields"].as_array().expect("fields").iter().filter_map(Value::as_str).collect();
        all.chunks(2).map(|pair| (pair[0].to_ascii_lowercase(), pair[1])).collect()
    }

    /// Every value of a field.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.fields().into_iter().filter(|(known, _)| known == name).map(|(_, value)| value).collect()
    }
}

/// A name for a case that no other has.
pub fn case() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("case-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The head of a request to the gateway, byte by byte.
pub fn head(request_line: &str, fields: &[(&str, &str)]) -> String {
    let lines: String = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{request_line} HTTP/1.1\r\nHost: {HOST}\r\n{lines}\r\n")
}

/// A request to the gateway, on a connection of its own; with a length if it has a body.
pub fn send(edge: &Edge, request_line: &str, fields: &[(&str, &str)], body: &str) -> Response {
    let length = body.len().to_string();
    let mut all = vec![("Connection", "close")];
    if !body.is_empty() {
        all.push(("Content-Length", &length));
    }
    all.extend_from_slice(fields);
    edge.raw(format!("{}{body}", head(request_line, &all)).as_bytes())
}

/// The same with that key, for a case and a play of the origin.
pub fn play(edge: &Edge, key: &Key, request_line: &str, case: &str, play: &Value, body: &str) -> Response {
    let (bearer, play) = (format!("Bearer {}", key.secret), play.to_string());
    send(edge, request_line, &[("Authorization", &bearer), ("X-Case", case), ("X-Play", &play)], body)
}

/// Status and code of a problem, which stands in a field, too.
pub fn problem(answer: &Response) -> (u16, String) {
    assert_eq!(answer.header("latchkey-code"), answer.value()["code"].as_str(), "{}", answer.text());
    (answer.status, given::text(&answer.value()["code"]))
}

/// A connection to a gateway, for what happens while a request is under way.
pub struct Wire(TcpStream);

impl Wire {
    /// A connection over which the head of a request went.
    pub fn open(edge: &Edge, head: &str) -> Self {
        let stream = TcpStream::connect(edge.base_url.trim_start_matches("http://")).expect("the edge listens");
        // Only so that a test that fails comes to an end.
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout can be set");
        let mut wire = Self(stream);
        wire.write(head.as_bytes());
        wire
    }

    pub fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).expect("the edge reads");
    }

    /// What comes, until it ends in this.
    pub fn read_until(&mut self, end: &[u8]) -> Vec<u8> {
        let mut come = Vec::new();
        let mut byte = [0];
        while !come.ends_with(end) {
            let read = self.0.read(&mut byte).unwrap_or(0);
            assert_eq!(read, 1, "it ended with {:?}", String::from_utf8_lossy(&come));
            come.push(byte[0]);
        }
        come
    }

    /// The head of an answer.
    pub fn read_head(&mut self) -> String {
        String::from_utf8(self.read_until(b"\r\n\r\n")).expect("text")
    }

    /// What comes until the connection ends.
    pub fn read_to_end(&mut self) -> Vec<u8> {
        let mut come = Vec::new();
        // A connection that is reset has ended too.
        let _ = self.0.read_to_end(&mut come);
        come
    }

    /// How many bytes come until the connection ends, or until so many came.
    pub fn count(&mut self, most: usize) -> usize {
        let (mut come, mut block) = (0, vec![0; 256 * 1024]);
        while come < most {
            match self.0.read(&mut block) {
                Ok(0) | Err(_) => break,
                Ok(read) => come += read,
            }
        }
        come
    }
}
