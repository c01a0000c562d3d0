//! HTTP/1.1 requests as they come over a connection, byte by byte: what a library would tidy up is what is looked at here.

use std::io::BufRead;

/// A request, and the bytes that it was.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub method: String,
    pub target: String,
    /// In order, names as they were sent.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub raw: Vec<u8>,
}

impl Request {
    /// The values of all fields of that name, in any case.
    pub fn values(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(have, _)| have.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// The value of the only field of that name; `None` when there is none, or more than one.
    pub fn only(&self, name: &str) -> Option<&str> {
        match self.values(name).as_slice() {
            [value] => Some(value),
            _ => None,
        }
    }

    /// The names of all fields that begin with `prefix`, `_` counting as `-`, in lower case and in order.
    pub fn names_like(&self, prefix: &str) -> Vec<String> {
        let mut names: Vec<String> = self.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        names.retain(|name| name.replace('_', "-").starts_with(prefix));
        names.sort();
        names
    }
}

/// The next request of a connection; `None` when there is none, or not a whole one.
pub fn read(stream: &mut impl BufRead) -> Option<Request> {
    let mut raw = Vec::new();
    let line = read_line(stream, &mut raw)?;
    let mut parts = line.split(' ');
    let mut request = Request { method: parts.next()?.to_owned(), target: parts.next()?.to_owned(), ..Request::default() };
    loop {
        let line = read_line(stream, &mut raw)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        request.headers.push((name.to_owned(), value.trim().to_owned()));
    }
    if request.only("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        loop {
            let size = usize::from_str_radix(read_line(stream, &mut raw)?.trim(), 16).ok()?;
            let chunk = read_bytes(stream, size, &mut raw)?;
            request.body.extend_from_slice(&chunk);
            read_line(stream, &mut raw)?;
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = request.only("content-length") {
        let length = length.parse().ok()?;
        request.body = read_bytes(stream, length, &mut raw)?;
    }
    request.raw = raw;
    Some(request)
}

fn read_line(stream: &mut impl BufRead, raw: &mut Vec<u8>) -> Option<String> {
    let start = raw.len();
    stream.read_until(b'\n', raw).ok()?;
    let line = raw.get(start..)?.strip_suffix(b"\r\n")?;
    Some(String::from_utf8_lossy(line).into_owned())
}

fn read_bytes(stream: &mut impl BufRead, count: usize, raw: &mut Vec<u8>) -> Option<Vec<u8>> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).ok()?;
    raw.extend_from_slice(&bytes);
    Some(bytes)
}
