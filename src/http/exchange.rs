//! The calls into JavaScript that each request makes: `shim/exchange.js`.
//!
//! A text that crosses costs more than most of what is done with it, so names of fields cross once in an isolate's life.

use std::cell::RefCell;

use wasm_bindgen::prelude::*;
use web_sys::{Headers, Request, Response};

use super::reply::Reply;

#[wasm_bindgen(module = "/shim/exchange.js")]
extern "C" {
    fn number(name: &str) -> u32;
    #[wasm_bindgen(catch)]
    fn line(request: &Request) -> Result<String, JsValue>;
    #[wasm_bindgen(catch)]
    fn fields(headers: &Headers, numbers: &str) -> Result<String, JsValue>;
    #[wasm_bindgen(catch)]
    fn respond(status: u16, fields: &str, body: Option<&str>) -> Result<Response, JsValue>;
}

thread_local! {
    /// Names whose numbers are known. There are a few dozen at most.
    static NUMBERS: RefCell<Vec<(&'static str, u32)>> = const { RefCell::new(Vec::new()) };
}

/// What most answers' fields take.
const FIELDS_BYTES: usize = 512;

/// Where the characters begin that stand for numbers.
const FIRST: u32 = 0x20;

/// The character that stands for the name's number.
fn letter(name: &'static str) -> char {
    char::from_u32(FIRST + number_of(name)).unwrap_or(' ')
}

fn number_of(name: &'static str) -> u32 {
    NUMBERS.with_borrow_mut(|numbers| {
        // One literal stands at one place in memory, or at few.
        let known = numbers.iter().find(|(known, _)| std::ptr::eq(*known, name));
        if let Some((_, number)) = known {
            return *number;
        }
        let number = number(name);
        numbers.push((name, number));
        number
    })
}

/// Method and URL of a request.
#[must_use]
pub fn read_line(request: &Request) -> (String, String) {
    let line = line(request).unwrap_or_default();
    line.split_once(' ').map(|(method, url)| (method.to_owned(), url.to_owned())).unwrap_or_default()
}

/// Fields of a request; repeated ones come joined by `, `.
#[must_use]
pub fn read_fields<const N: usize>(headers: &Headers, names: [&'static str; N]) -> [Option<String>; N] {
    let numbers: String = names.into_iter().map(letter).collect();
    let read = fields(headers, &numbers).unwrap_or_default();
    let mut lines = read.split('\n');
    std::array::from_fn(|_| lines.next()?.strip_prefix(':').map(str::to_owned))
}

/// The platform's answer.
///
/// # Errors
/// When the platform refuses a field or the status, or a field has a line break, which no field may have (RFC 9110, section
/// 5.5).
pub fn answer(reply: &Reply) -> worker::Result<Response> {
    let mut fields = String::with_capacity(FIELDS_BYTES);
    for (name, value) in &reply.headers {
        if value.bytes().any(|byte| matches!(byte, b'\n' | b'\r' | 0)) {
            return Err(worker::Error::RustError(format!("the field {name} has a line break")));
        }
        fields.push(letter(name));
        fields.push_str(value);
        fields.push('\n');
    }
    Ok(respond(reply.status, &fields, reply.body.as_deref())?)
}
