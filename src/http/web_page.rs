//! Pages for people: the one place that makes them answers, with the fields that keep a browser on its guard.

use std::sync::LazyLock;

use askama::Template;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use super::reply::Reply;

/// What all pages look like. It stands in the page itself: one request shows it, and nothing else may be loaded.
pub const STYLE: &str = include_str!("../../templates/page.css");

/// Nothing but the style above, known by its hash, and an icon that is in the page; no scripts; forms to this origin only.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    format!("default-src 'none'; style-src 'sha256-{style}'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
});

/// A page. A template that cannot be written does not occur: its values are text, and memory does not run out in a page.
#[must_use]
pub fn page(status: u16, template: &impl Template) -> Reply {
    Reply::text(status, "text/html; charset=utf-8", template.render().unwrap_or_default())
        .with("Content-Security-Policy", POLICY.as_str())
        // Ignored on plain HTTP (RFC 6797, section 8.1), so the development server is not locked out.
        .with("Strict-Transport-Security", "max-age=31536000")
        .with("X-Content-Type-Options", "nosniff")
        .with("Referrer-Policy", "no-referrer")
        .with("Cross-Origin-Opener-Policy", "same-origin")
        .with("Cross-Origin-Resource-Policy", "same-origin")
}
