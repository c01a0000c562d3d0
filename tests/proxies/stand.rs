//! What the tests share: Latchkey, the wire to it, an origin, and the four proxies between.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use serde_json::json;

use crate::{
    client::{Edge, Response},
    given::{self, Org},
    origin::{Origin, TRACE},
    proxy::{Behind, KINDS, Kind, Proxy},
    runtime,
    tap::{End, Tap},
    wire::Request,
};

/// On this loopback address no test listens, whatever the port.
const NOBODY: &str = "127.0.0.2:9";

pub struct Stand {
    pub tap: Tap,
    pub origin: Origin,
    pub proxies: Vec<Proxy>,
}

/// An answer, and the requests that the origin got for it.
pub struct Passage {
    pub answer: Response,
    pub arrived: Vec<Request>,
}

/// Four proxies before a Latchkey that works.
pub fn stand() -> &'static Stand {
    static STAND: OnceLock<Stand> = OnceLock::new();
    STAND.get_or_init(|| Stand::start(working(), &service_key(), None))
}

/// Four proxies that ask for a permission besides.
pub fn asking_for(permission: &str) -> Stand {
    Stand::start(working(), &service_key(), Some(permission))
}

/// Four proxies that Latchkey does not know.
pub fn unproven() -> Stand {
    Stand::start(working(), "nonsense", None)
}

/// Four proxies before something that is not Latchkey.
pub fn before(end: End) -> Stand {
    Stand::start(end, &service_key(), None)
}

fn working() -> End {
    End::Latchkey(edge().base_url.trim_start_matches("http://").to_owned())
}

/// Latchkey itself.
pub fn edge() -> &'static Edge {
    runtime::shared().edge()
}

/// An organization of Latchkey's.
pub fn org() -> Org<'static> {
    given::org(edge(), json!({}))
}

/// Calls `check` with each of the four, and names the one that it fails with.
pub fn each(check: impl Fn(&'static Stand, &'static Proxy)) {
    for proxy in &stand().proxies {
        eprintln!("with {:?}:", proxy.kind);
        check(stand(), proxy);
    }
}

impl Stand {
    fn start(end: End, service_key: &str, permission: Option<&str>) -> Self {
        let tap = Tap::start(end.clone());
        let origin = Origin::start();
        let latchkey = match end {
            End::Nobody => NOBODY,
            _ => &tap.address,
        };
        let behind = Behind { latchkey, origin: &origin.address, service_key, permission };
        let proxies = start_all(&behind);
        Self { tap, origin, proxies }
    }

    /// A request through a proxy, with that key.
    pub fn call(&self, proxy: &Proxy, secret: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> Passage {
        let bearer = format!("Bearer {secret}");
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend_from_slice(headers);
        self.send(proxy, method, path, &all, None)
    }

    /// Any request through a proxy.
    pub fn send(&self, proxy: &Proxy, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Passage {
        let trace = trace();
        let mut all = vec![(TRACE, trace.as_str())];
        all.extend_from_slice(headers);
        let answer = proxy.client.send(method, path, &all, body);
        Passage { answer, arrived: self.origin.saw(&trace) }
    }

    /// A request through a proxy, byte by byte: a request line and fields.
    pub fn raw(&self, proxy: &Proxy, line: &str, fields: &[String]) -> Passage {
        let trace = trace();
        let host = proxy.client.base_url.trim_start_matches("http://");
        let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
        let request = format!("{line} HTTP/1.1\r\nHost: {host}\r\n{TRACE}: {trace}\r\n{fields}\r\n");
        let answer = proxy.client.raw(request.as_bytes());
        Passage { answer, arrived: self.origin.saw(&trace) }
    }
}

impl Passage {
    /// The one request that the origin got.
    pub fn arrived(&self) -> &Request {
        let [request] = self.arrived.as_slice() else {
            panic!("{} arrived, and the answer is {} {}", self.arrived.len(), self.answer.status, self.answer.text())
        };
        request
    }

    /// The status of an answer that the proxy made without the origin.
    pub fn refused(&self) -> u16 {
        assert!(self.arrived.is_empty(), "the origin got {:?}", self.arrived);
        assert_eq!(self.answer.header("x-origin"), None, "the origin answered");
        self.answer.status
    }
}

/// All four, started at the same time.
pub fn start_all(behind: &Behind) -> Vec<Proxy> {
    thread::scope(|scope| {
        let starting: Vec<_> = KINDS.map(|kind: Kind| scope.spawn(move || Proxy::start(kind, behind))).into();
        starting.into_iter().map(|proxy| proxy.join().expect("it starts")).collect()
    })
}

/// The secret of a new service key that may tell where requests come from.
pub fn service_key() -> String {
    let body = json!({"name": "Proxy", "permissions": ["forward_auth"]});
    let made = edge().operator("POST", "/v1/service-keys", Some(&body));
    assert_eq!(made.status, 201, "{}", made.text());
    given::text(&made.value()["secret"])
}

/// A name for a request that no other has.
fn trace() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("trace-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}
