//! How the edge tests talk to an edge: comfortably, or byte by byte.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::OnceLock,
    time::Duration,
};

use serde_json::Value;
use ureq::{Agent, http};

use crate::runtime::OPERATOR_TOKEN;

/// One edge of a fleet.
pub struct Edge {
    pub base_url: String,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    /// In order, names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Edge {
    pub fn new(base_url: &str) -> Self {
        Self { base_url: base_url.to_owned() }
    }

    /// Whether anybody takes connections there.
    pub fn listens(&self) -> bool {
        TcpStream::connect(self.base_url.trim_start_matches("http://")).is_ok()
    }

    /// `GET` without credentials.
    pub fn get(&self, path: &str) -> Response {
        self.send("GET", path, &[], None)
    }

    /// A request of the operator, with a JSON body if one is given.
    pub fn operator(&self, method: &str, path: &str, body: Option<&Value>) -> Response {
        self.bearer(OPERATOR_TOKEN, method, path, body)
    }

    /// A request with this bearer token, with a JSON body if one is given.
    pub fn bearer(&self, token: &str, method: &str, path: &str, body: Option<&Value>) -> Response {
        self.json(method, path, &[("authorization", &format!("Bearer {token}"))], body)
    }

    /// A request with a JSON body and the headers given.
    pub fn json(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Response {
        let bytes = body.map(|value| value.to_string().into_bytes());
        let mut all = headers.to_vec();
        if bytes.is_some() {
            all.push(("content-type", "application/json"));
        }
        self.send(method, path, &all, bytes.as_deref())
    }

    /// A well-formed request with anything in it.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Response {
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.base_url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = match body {
            Some(bytes) => agent().run(request.body(bytes).expect("a valid request")),
            None => agent().run(request.body(()).expect("a valid request")),
        };
        collect(answer)
    }

    /// A request to an edge that may be gone; `None` when there is no answer.
    pub fn try_send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Response> {
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.base_url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        try_collect(agent().run(request.body(body).expect("a valid request"))).ok()
    }

    /// Exactly these bytes over a connection of their own. The request should say `Connection: close`; without it this
    /// returns what came within five seconds.
    pub fn raw(&self, bytes: &[u8]) -> Response {
        self.raw_in_two(bytes, || {}, b"")
    }

    /// The same with a pause in the middle, in which something happens.
    pub fn raw_in_two(&self, first: &[u8], meanwhile: impl FnOnce(), rest: &[u8]) -> Response {
        let address = self.base_url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).expect("the edge listens");
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout can be set");
        // The edge may answer and close before it has read everything.
        let _ = stream.write_all(first);
        meanwhile();
        let _ = stream.write_all(rest);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        parse(&answer)
    }

    /// Sends these bytes and closes the connection without waiting for an answer.
    pub fn cut_off(&self, bytes: &[u8]) {
        let address = self.base_url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).expect("the edge listens");
        stream.write_all(bytes).expect("the edge reads");
    }

    /// Replaces the faults of this edge and starts its counts anew; see `xtask/runtime/faults.mjs` for the form.
    pub fn faults(&self, faults: &Value) {
        let answer = self.json("POST", "/__faults", &[], Some(faults));
        assert_eq!(answer.status, 200, "faults refused: {}", answer.text());
    }

    /// Lets the wasm instance of this edge count as dead, as after a panic: the next event starts a new one.
    pub fn kill_instance(&self) {
        let answer = self.send("POST", "/__faults/kill", &[], Some(b""));
        assert_eq!(answer.status, 200, "not killed: {}", answer.text());
    }

    /// How often a method of a binding was called since the last [`Edge::faults`], such as `kv.get` or `guard.fetch`.
    pub fn calls(&self, name: &str) -> u64 {
        self.get("/__faults").value()["calls"][name].as_u64().unwrap_or(0)
    }
}

impl Response {
    /// The first header of a name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {} {}", self.status, self.text()))
    }
}

/// `GET` of an address outside the edges.
pub fn get(url: &str) -> Response {
    collect(agent().get(url).call())
}

/// `POST` of a JSON document to an address outside the edges.
pub fn post(url: &str, body: &Value) -> Response {
    collect(agent().post(url).header("content-type", "application/json").send(body.to_string()))
}

/// `POST` of a form to an address outside the edges.
pub fn post_form(url: &str, fields: &[(&str, &str)]) -> Response {
    collect(agent().post(url).send_form(fields.iter().copied()))
}

fn agent() -> &'static Agent {
    static AGENT: OnceLock<Agent> = OnceLock::new();
    AGENT.get_or_init(|| {
        let config = Agent::config_builder()
            // A status is an answer here, not an error; a redirect is one too.
            .http_status_as_error(false)
            .max_redirects(0)
            .allow_non_standard_methods(true)
            .timeout_global(Some(Duration::from_secs(60)));
        config.build().into()
    })
}

fn collect(answer: Result<http::Response<ureq::Body>, ureq::Error>) -> Response {
    try_collect(answer).expect("the edge answers")
}

fn try_collect(answer: Result<http::Response<ureq::Body>, ureq::Error>) -> Result<Response, ureq::Error> {
    let mut answer = answer?;
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Ok(Response {
        status: answer.status().as_u16(),
        headers: answer.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
        body: answer.body_mut().read_to_vec()?,
    })
}

/// A raw answer; `status` is 0 when there was none.
fn parse(bytes: &[u8]) -> Response {
    let split = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(bytes.len());
    let (head, body) = bytes.split_at(split);
    let head = String::from_utf8_lossy(head).into_owned();
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok()).unwrap_or(0);
    let headers: Vec<_> =
        lines.filter_map(|line| line.split_once(':')).map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    let body = body.get(4..).unwrap_or_default();
    let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    Response { status, body: if chunked { unchunk(body) } else { body.to_vec() }, headers }
}

fn unchunk(mut bytes: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = bytes.windows(2).position(|window| window == b"\r\n") {
        let (line, rest) = bytes.split_at(end);
        let size = std::str::from_utf8(line).ok().and_then(|text| usize::from_str_radix(text.trim(), 16).ok());
        let Some(chunk) = size.filter(|size| *size > 0).and_then(|size| rest.get(2..2 + size)) else {
            break;
        };
        whole.extend_from_slice(chunk);
        bytes = rest.get(2 + chunk.len() + 2..).unwrap_or_default();
    }
    whole
}
