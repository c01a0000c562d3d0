//! What all lists share: `limit`, `cursor`, and the link to the next page.

use serde::Serialize;

use crate::{
    base::document::Faults,
    http::{call::Call, query::Query, reply::Reply},
};

const DEFAULT_LIMIT: u32 = 20;
const LIMITS: std::ops::RangeInclusive<u32> = 1..=100;

/// Reads `limit`.
pub fn read_limit(query: &mut Query, faults: &mut Faults) -> u32 {
    let Some(text) = query.one("limit", faults) else { return DEFAULT_LIMIT };
    text.parse().ok().filter(|limit| LIMITS.contains(limit)).unwrap_or_else(|| {
        faults.value("/limit", "must be a whole number from 1 to 100");
        DEFAULT_LIMIT
    })
}

#[derive(Serialize)]
struct Page<'a, T> {
    items: &'a [T],
    next_cursor: Option<&'a str>,
}

/// A page as the contract answers it, with a link to the next one.
#[must_use]
pub fn page_reply(call: &Call<'_>, items: &[impl Serialize], next_cursor: Option<&str>) -> Reply {
    let reply = Reply::json(200, &Page { items, next_cursor });
    match next_cursor {
        Some(cursor) => with_next(reply, call, cursor),
        None => reply,
    }
}

/// The link is this request's address with the cursor replaced (RFC 8288).
fn with_next(reply: Reply, call: &Call<'_>, cursor: &str) -> Reply {
    let kept = form_urlencoded::parse(call.inbound.query().as_bytes()).filter(|(name, _)| name != "cursor");
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(kept).append_pair("cursor", cursor);
    reply.with("Link", format!("<{}{}?{}>; rel=\"next\"", call.inbound.origin(), call.inbound.path(), query.finish()))
}
