//! What a key was used for, as its guard knows it.

use super::{failure::Failure, keys};
use crate::{
    key::record::KeyRecord,
    ports::Ports,
    usage::{
        book::Contents,
        report::Deed,
        summary::{Range, Summary},
    },
};

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
    let key = keys::get(ports, org, key).await?;
    let contents = ports.guards.read_usage(&key.id).await?;
    Ok((key, contents))
}

#[cfg(test)]
#[path = "usage_tests.rs"]
mod tests;
