//! What keys were used for: one as its guard knows it, all of an organization as the organization's does.

use std::cmp::Reverse;

use super::{failure::Failure, keys};
use crate::{
    base::time::Timestamp,
    key::{record::KeyRecord, view::Total},
    ports::{BusiestQuery, Ports, Subject},
    usage::{
        book::Contents,
        recent::Used,
        report::Deed,
        summary::{NamedKey, Range, Summary, TopKey},
    },
};

/// So many of an organization's keys are named.
const TOP_KEYS: usize = 10;

/// So many keys are looked at at once, and so often at most: bounds are hardly ever far from what is left of them.
const LOOK: u32 = 100;
const MAX_LOOKS: u32 = 20;

const HOUR_MS: i64 = 3_600_000;

/// A key's usage up to now. Edges tell what they counted within a few seconds.
///
/// # Errors
/// [`Failure::NotFound`] when the organization has no such key, [`Failure::Unavailable`] when its guard does not answer.
pub async fn summary(ports: &Ports, org: &str, key: &str, range: Range) -> Result<Summary, Failure> {
    let (_, contents) = read(ports, org, key).await?;
    Ok(Summary::of(&contents, range))
}

/// The key, and the last requests that were made with it, newest first.
///
/// # Errors
/// As [`summary`].
pub async fn activity(ports: &Ports, org: &str, key: &str) -> Result<(KeyRecord, Vec<Deed>), Failure> {
    let (key, mut contents) = read(ports, org, key).await?;
    contents.deeds.reverse();
    Ok((key, contents.deeds))
}

async fn read(ports: &Ports, org: &str, key: &str) -> Result<(KeyRecord, Contents), Failure> {
    let key = keys::get(ports, org, key).await?.key;
    let contents = ports.guards.read_usage(&Subject::Key(key.id.clone())).await?;
    Ok((key, contents))
}

/// The usage of all keys of the organization up to now, those that are gone included. Which keys were asked most is a
/// minute late at most.
///
/// # Errors
/// [`Failure::NotFound`] when there is no such organization, [`Failure::Unavailable`] when its guard or the truth does not
/// answer.
pub async fn of_org(ports: &Ports, org: &str, range: Range) -> Result<Summary, Failure> {
    let id = keys::manageable(ports, org).await?.id;
    let contents = ports.guards.read_usage(&Subject::Org(id.clone())).await?;
    let now = contents.as_of;
    let since = now.plus_ms(-HOUR_MS * i64::from(range.hours()));
    let mut query = BusiestQuery { range, since, skip: 0, limit: LOOK };
    let mut top_keys: Vec<(Used, Total)> = Vec::new();
    for _ in 0..MAX_LOOKS {
        let found = ports.rolls.list_busiest(&id, &query).await?;
        let (is_last, bound) = (found.len() < LOOK as usize, found.last().map_or(0, |(_, bound)| *bound));
        top_keys.extend(found.into_iter().map(|(used, _)| counted(used, range, now)));
        top_keys.sort_unstable_by_key(|(used, total)| (Reverse(total.requests), used.key.id.to_string()));
        top_keys.truncate(TOP_KEYS);
        // No key that comes later was asked more often than its bound says.
        let is_settled = top_keys.len() == TOP_KEYS && top_keys.last().is_some_and(|(_, total)| total.requests >= bound);
        if is_last || is_settled {
            break;
        }
        query.skip += LOOK;
    }
    let top_keys = top_keys.into_iter().filter(|(_, total)| total.requests > 0).map(top_key).collect();
    Ok(Summary::of(&contents, range).with_top_keys(top_keys))
}

fn top_key((used, Total { requests, allowed, denied }): (Used, Total)) -> TopKey {
    let prefix = used.key.prefix().to_owned();
    let KeyRecord { id, name, last_used_at, .. } = used.key;
    TopKey { key: NamedKey { id, name: name.into(), prefix }, requests, allowed, denied, last_used_at }
}

fn counted(used: Used, range: Range, now: Timestamp) -> (Used, Total) {
    let total = used.recent.as_ref().map(|recent| recent.total(range, now)).unwrap_or_default();
    (used, total)
}

#[cfg(test)]
#[path = "usage_tests.rs"]
mod tests;
