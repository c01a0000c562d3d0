//! Pages for people: the one place that makes them answers, with the fields that keep a browser on its guard.

use std::sync::LazyLock;

use askama::Template;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use super::{markup, reply::Reply};

/// What all pages look like. It stands in the page itself: one request shows it, and nothing else may be loaded.
pub const STYLE: &str = include_str!("../../templates/page.css");

/// Nothing but the style above, known by its hash, and an icon that is in the page; no scripts; forms to this origin only.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    format!("default-src 'none'; style-src 'sha256-{style}'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors ")
});

/// A page that no other page may show in a frame.
#[must_use]
pub fn page(status: u16, template: &impl Template) -> Reply {
    page_within(&[], status, template)
}

/// A page that pages of these origins may show in a frame. A template that cannot be written does not occur: its values are
/// text, and memory does not run out in a page.
#[must_use]
pub fn page_within(frame_ancestors: &[String], status: u16, template: &impl Template) -> Reply {
    let reply = Reply::text(status, "text/html; charset=utf-8", markup::render(template));
    guarded(reply, format!("{}{}", *POLICY, ancestors(frame_ancestors)))
}

/// What `frame-ancestors` says for these origins (CSP Level 3, section 6.4.2).
#[must_use]
pub fn ancestors(origins: &[String]) -> String {
    if origins.is_empty() { "'none'".to_owned() } else { origins.join(" ") }
}

/// A page with the fields that keep a browser on its guard, and that content security policy.
#[must_use]
pub fn guarded(page: Reply, policy: String) -> Reply {
    page.with("Content-Security-Policy", policy)
        // Ignored on plain HTTP (RFC 6797, section 8.1), so the development server is not locked out.
        .with("Strict-Transport-Security", "max-age=31536000")
        .with("X-Content-Type-Options", "nosniff")
        .with("Referrer-Policy", "no-referrer")
        .with("Cross-Origin-Opener-Policy", "same-origin")
        .with("Cross-Origin-Resource-Policy", "same-origin")
}
