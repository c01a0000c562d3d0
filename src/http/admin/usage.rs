//! What a key was used for.

use std::net::IpAddr;

use serde::Serialize;

use super::page::page_reply;
use crate::{
    base::{
        document::{Fault, Faults},
        time::Timestamp,
    },
    http::{call::Call, decision::Actor, problem::Problem, query::Query, reply::Reply},
    service::usage,
    usage::summary::Range,
};

/// Counts of a key's requests.
///
/// # Errors
/// Another range, 404, or an outage.
pub async fn get_key_usage(call: &Call<'_>) -> Result<Reply, Problem> {
    let range = read_range(call)?;
    let summary = usage::summary(call.ports, call.param("org"), call.param("key"), range).await?;
    Ok(Reply::json(200, &summary))
}

#[derive(Serialize)]
struct Activity<'a> {
    time: Timestamp,
    method: Option<&'a str>,
    path: Option<&'a str>,
    ip: Option<IpAddr>,
    code: &'a str,
    actor: Actor<'a>,
}

/// The last requests that were made with a key, newest first; there is one page.
///
/// # Errors
/// 404, or an outage.
pub async fn list_key_activity(call: &Call<'_>) -> Result<Reply, Problem> {
    let mut faults = Faults::default();
    Query::read(call.inbound.query()).close(&mut faults);
    faults.conclude(Some(()))?;
    let (key, deeds) = usage::activity(call.ports, call.param("org"), call.param("key")).await?;
    let items = deeds.iter().map(|deed| Activity {
        time: deed.at,
        method: deed.method.as_deref(),
        path: deed.path.as_deref(),
        ip: deed.ip,
        code: &deed.code,
        actor: Actor::of(&key, deed.act_as.as_deref()),
    });
    let items: Vec<_> = items.collect();
    Ok(page_reply(call, &items, None))
}

fn read_range(call: &Call<'_>) -> Result<Range, Vec<Fault>> {
    let mut faults = Faults::default();
    let mut query = Query::read(call.inbound.query());
    let word = query.one("range", &mut faults);
    query.close(&mut faults);
    let range = match word.as_deref() {
        None => Some(Range::Day),
        Some(word) => Range::ALL.into_iter().find_map(|(known, range)| (known == word).then_some(range)),
    };
    if range.is_none() {
        faults.value("/range", "must be 24h, 7d or 30d");
    }
    faults.conclude(range)
}
