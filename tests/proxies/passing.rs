//! What was let through arrives as it was sent: methods, bodies, WebSockets.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::json;

use crate::{
    origin::{ANSWER, TRACE},
    stand::{each, org},
};

#[test]
fn every_method_arrives_and_is_asked_about() {
    each(|stand, proxy| {
        let key = org().key(json!({}));
        for method in ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "POST", "PROPFIND"] {
            let passage = stand.call(proxy, &key.secret, method, "/leads", &[]);
            assert_eq!((passage.answer.status, passage.arrived().method.as_str()), (200, method));
            assert_eq!(passage.answer.text(), if method == "HEAD" { "" } else { ANSWER });
            let asked = stand.tap.asked_of(&key.secret);
            assert_eq!(crate::answers::told(asked.last().expect("a question")).0, method);
            assert_eq!(stand.send(proxy, method, "/leads", &[], None).refused(), 401, "{method} without a key");
        }
    });
}

#[test]
fn a_body_arrives_unchanged() {
    each(|stand, proxy| {
        let key = org().key(json!({}));
        let body: Vec<u8> = (0..1_000_003_u32).map(|at| u8::try_from(at % 251).expect("small")).collect();
        let bearer = format!("Bearer {}", key.secret);
        let passage = stand.send(proxy, "POST", "/leads", &[("authorization", &bearer)], Some(&body));
        assert_eq!(passage.answer.status, 200);
        assert!(passage.arrived().body == body, "{} bytes arrived", passage.arrived().body.len());

        let fields = [format!("Authorization: Bearer {}", key.secret), "Transfer-Encoding: chunked\r\nConnection: close".to_owned()];
        let fields = [fields.as_slice(), &["\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n".to_owned()]].concat();
        let passage = stand.raw(proxy, "POST /leads", &fields);
        assert_eq!((passage.answer.status, passage.arrived().body.as_slice()), (200, b"hello world".as_slice()));
    });
}

#[test]
fn a_websocket_is_opened_for_who_has_a_key() {
    each(|stand, proxy| {
        let key = org().key(json!({}));
        let address = proxy.client.base_url.trim_start_matches("http://");
        let trace = format!("websocket-{:?}", proxy.kind);
        let open = |credential: &str| {
            let mut stream = TcpStream::connect(address).expect("it listens");
            stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
            let fields =
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
            let request = format!("GET /live HTTP/1.1\r\nHost: {address}\r\n{TRACE}: {trace}\r\n{fields}\r\n{credential}\r\n");
            stream.write_all(request.as_bytes()).expect("it reads");
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).expect("a whole head");
                head.extend_from_slice(&byte);
            }
            (stream, String::from_utf8_lossy(&head).into_owned())
        };
        let (_, refused) = open("");
        assert!(refused.starts_with("HTTP/1.1 401 "), "{refused}");
        assert!(stand.origin.saw(&trace).is_empty());

        let (mut stream, opened) = open(&format!("Authorization: Bearer {}\r\n", key.secret));
        assert!(opened.starts_with("HTTP/1.1 101 "), "{opened}");
        let frame = b"\x81\x85\x00\x00\x00\x00hello";
        stream.write_all(frame).expect("it is open");
        let mut echo = [0; 11];
        stream.read_exact(&mut echo).expect("an echo");
        assert_eq!(&echo, frame);
        let arrived = stand.origin.saw(&trace);
        assert_eq!((arrived.len(), arrived[0].values("latchkey-key-id")), (1, vec![key.id.as_str()]));
        let question = stand.tap.asked_of(&key.secret).pop().expect("a question");
        assert_eq!(question.values("upgrade"), Vec::<&str>::new(), "Latchkey is asked to upgrade");
    });
}
