//! What keys were used for.

use std::net::IpAddr;

use serde::Serialize;

use super::page::page_reply;
use crate::{
    base::{
        document::{Fault, Faults},
        time::Timestamp,
    },
    http::{call::Call, csv, decision::Actor, problem::Problem, query::Query, reply::Reply},
    key::record::KeyRecord,
    service::usage,
    usage::{
        report::Deed,
        summary::{Range, Summary},
    },
};

/// Counts of a key's requests.
///
/// # Errors
/// Another range, 404, or an outage.
pub async fn get_key_usage(call: &Call<'_>) -> Result<Reply, Problem> {
    let range = read_range(call)?;
    let summary = usage::summary(call.ports, call.param("org"), call.param("key"), range).await?;
    Ok(in_either_form(call, || series(&summary), || Reply::json(200, &summary)))
}

/// Counts of the requests of all keys of an organization, and which keys were asked most.
///
/// # Errors
/// Another range, 404, or an outage.
pub async fn get_org_usage(call: &Call<'_>) -> Result<Reply, Problem> {
    let range = read_range(call)?;
    let summary = usage::of_org(call.ports, call.param("org"), range).await?;
    Ok(in_either_form(call, || series(&summary), || Reply::json(200, &summary)))
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
    let items = || -> Vec<_> { deeds.iter().map(|deed| activity(&key, deed)).collect() };
    Ok(in_either_form(call, || table(&key, &deeds), || page_reply(call, &items(), None)))
}

fn activity<'a>(key: &'a KeyRecord, deed: &'a Deed) -> Activity<'a> {
    Activity {
        time: deed.at,
        method: deed.method.as_deref(),
        path: deed.path.as_deref(),
        ip: deed.ip,
        code: &deed.code,
        actor: Actor::of(key, deed.act_as.as_deref()),
    }
}

/// The answer as a table, if that is wanted.
fn in_either_form(call: &Call<'_>, table: impl FnOnce() -> Reply, json: impl FnOnce() -> Reply) -> Reply {
    let reply = if csv::is_wanted(call) { table() } else { json() };
    reply.with("Vary", "Accept")
}

fn series(summary: &Summary) -> Reply {
    let points = summary.series().iter().map(|point| point.parts());
    csv::reply(
        ["start_at", "allowed", "denied"],
        points.map(|(start_at, allowed, denied)| [start_at.to_string(), allowed.to_string(), denied.to_string()]),
    )
}

fn table(key: &KeyRecord, deeds: &[Deed]) -> Reply {
    let key_id = key.id.text();
    let told = |text: &Option<String>| text.clone().unwrap_or_default();
    let rows = deeds.iter().map(|deed| {
        let (kind, id) = deed.act_as.as_deref().map_or(("key", key_id.as_str()), |user| ("user", user));
        let ip = deed.ip.map(|ip| ip.to_string()).unwrap_or_default();
        [deed.at.to_string(), told(&deed.method), told(&deed.path), ip, deed.code.to_string(), kind.to_owned(), id.to_owned()]
    });
    csv::reply(["time", "method", "path", "ip", "code", "actor_type", "actor_id"], rows)
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
        faults.value("/range", "must be 24h, 7d, 30d or 400d");
    }
    faults.conclude(range)
}
