//! Deciding a request: shape, index, free checks, guards.
//!
//! The index may be stale, so the guards have the last word: they name the version in force, and hand out tokens only to
//! an edge that judged by it.

use std::{net::IpAddr, rc::Rc};

use super::{
    charge::{Charge, Charged},
    failure::Failure,
    memory::Memory,
};
use crate::{
    base::{id::SecretId, time::Timestamp},
    decision::{
        decide::decide,
        facts::{Ask, Facts},
        verdict::Denial,
    },
    key::record::{KeyRecord, StoredRecordError},
    limit::{guard::Terms, window::Quota},
    policy::{org::Organization, scope::Permission},
    ports::{FLOOD_PERIOD_MS, Flood, Outage, Ports},
    token::{digest::Digest, format::Key},
};

/// How often records may move on while one request is being decided.
const MAX_ROUNDS: u32 = 8;

/// The longest credential of another shape that is looked up.
const MAX_FOREIGN_BYTES: usize = 512;

/// What was decided, and on what.
pub struct Decision {
    /// Passed, or why not.
    pub outcome: Result<(), Denial>,
    /// The key, if it is known.
    pub known: Option<Known>,
    /// When.
    pub at: Timestamp,
}

/// What a decision about a known key was made on.
pub struct Known {
    /// The key in the version that is in force.
    pub key: KeyRecord,
    /// The secret that was presented.
    pub secret: SecretId,
    /// The permissions that count.
    pub granted: Vec<Permission>,
    /// What is left of the key's own rate; `None` without a limit.
    pub quota: Option<Quota>,
    /// What is left of the rate that the organization's keys share; `None` without a limit.
    pub org_quota: Option<Quota>,
}

/// Decides a request that presents `credential`.
///
/// # Errors
/// [`Failure::Unavailable`] when no decision can be reached: fail closed.
pub async fn verify(ports: &Ports, memory: &Memory, credential: &str, ask: &Ask) -> Result<Decision, Failure> {
    let decision = |outcome, known| Ok(Decision { outcome, known, at: ports.clock.now() });
    // 1. Shape and checksum: a typo never reaches storage, unless keys of other shapes were imported.
    let (digest, unknown) = match Key::parse(credential) {
        Ok(credential) => (credential.digest(), Denial::NotFound),
        Err(malformed) if credential.len() <= MAX_FOREIGN_BYTES && has_imports(ports, memory).await? => {
            (Digest::of(credential), malformed.into())
        }
        Err(malformed) => return decision(Err(malformed.into()), None),
    };
    // 2. What the truth did not know a moment ago, it does not know now, unless it was imported meanwhile.
    if memory.is_unknown(&digest, ports.clock.now()) && !has_imports(ports, memory).await? {
        return decision(Err(unknown), None);
    }
    // 3. Index, truth on a miss.
    let mut key = match locate(ports, memory, &digest, ask.ip).await? {
        Located::Key(key) => *key,
        Located::Nowhere => return decision(Err(unknown), None),
        Located::NotLookedUp => return decision(Err(Denial::TooManyUnknown { retry_after_ms: FLOOD_PERIOD_MS }), None),
    };
    let mut organization = memory.org(&key.org_id);
    for _ in 0..MAX_ROUNDS {
        // 4. Free checks, by the records known so far. A secret that the newest record no longer has is no key's.
        let Some(secret) = key.secret(&digest) else {
            return decision(Err(Denial::NotFound), None);
        };
        let facts = organization.as_deref().map(|organization| Facts { key: &key, secret, organization });
        let judged = facts.as_ref().map(|facts| decide(facts, ask, ports.clock.now()));
        // 5. Both guards at once: they confirm the versions and, if the checks passed, charge.
        let charge = Charge::of(&key, organization.as_deref(), ask, matches!(judged, Some(Ok(()))));
        match charge.make(ports).await? {
            Charged::Unknown => return decision(Err(Denial::NotFound), None),
            // 6. Judge again by the newer records. The index is behind; if it cannot be mended now, a later request does.
            Charged::Stale { key: newer_key, org: newer_org } => {
                if let Some(terms) = newer_org {
                    let Some(newest) = newer_organization(organization.as_deref(), &terms)? else {
                        return decision(Err(Denial::NotFound), None);
                    };
                    memory.remember_org(newest.clone());
                    organization = Some(newest);
                }
                if let Some(terms) = newer_key {
                    never_back(key.version, terms.version)?;
                    // A deleted key's credential may have been imported anew, as another key.
                    let newest = match &terms.record {
                        Some(record) => Some(KeyRecord::from_stored(record)?),
                        None => ports.ledger.find_key_by_digest(&digest).await?.filter(|found| found.id != key.id),
                    };
                    let Some(newest) = newest else { return decision(Err(Denial::NotFound), None) };
                    key = newest;
                    let _ = ports.index.put(&key).await;
                }
            }
            Charged::Current { outcome, quota, org_quota } => {
                let granted = facts.as_ref().map(Facts::granted).unwrap_or_default();
                let known = Known { secret: secret.id.clone(), granted, quota, org_quota, key };
                let judged = judged.ok_or_else(|| Outage::Guard { cause: "vouched for an organization that was never read".to_owned() })?;
                return decision(judged.and(outcome), Some(known));
            }
        }
    }
    Err(Outage::Guard { cause: "the records kept changing".to_owned() }.into())
}

fn newer_organization(known: Option<&Organization>, terms: &Terms) -> Result<Option<Rc<Organization>>, Failure> {
    never_back(known.map_or(0, |organization| organization.version), terms.version)?;
    let Some(record) = &terms.record else { return Ok(None) };
    let newest = serde_json::from_str(record).map_err(StoredRecordError::from)?;
    Ok(Some(Rc::new(newest)))
}

/// INVARIANT: an edge never goes back to a lower version. A guard that is behind what the edge knows, even after it read
/// the truth, has nothing to decide by.
fn never_back(known: u64, offered: u64) -> Result<(), Outage> {
    if offered > known { Ok(()) } else { Err(Outage::Guard { cause: format!("is at version {offered}, behind {known}") }) }
}

/// Whether credentials of other shapes are worth looking up. The truth is asked once in a while at most.
async fn has_imports(ports: &Ports, memory: &Memory) -> Result<bool, Outage> {
    let asked_at = ports.clock.now();
    if let Some(known) = memory.has_imports(asked_at) {
        return Ok(known);
    }
    let any = ports.ledger.has_imports(None).await?;
    memory.remember_imports(any, asked_at);
    Ok(any)
}

/// What became of looking a credential up.
enum Located {
    Key(Box<KeyRecord>),
    Nowhere,
    /// The truth was not asked, so there may be such a key.
    NotLookedUp,
}

async fn locate(ports: &Ports, memory: &Memory, digest: &Digest, ip: Option<IpAddr>) -> Result<Located, Failure> {
    if let Some(key) = ports.index.find(digest).await? {
        return Ok(Located::Key(Box::new(key)));
    }
    // Anybody can make well-formed unknown keys, and the truth is one database in one place. Counted before it is asked:
    // a key that the index does not have yet counts as well, once. A peek costs as much as any other question.
    if let Some(address) = ip
        && !ports.throttle.admits(Flood::UnknownKeys, address).await
    {
        return Ok(Located::NotLookedUp);
    }
    let asked_at = ports.clock.now();
    let Some(key) = ports.ledger.find_key_by_digest(digest).await? else {
        memory.remember_unknown(*digest, asked_at);
        return Ok(Located::Nowhere);
    };
    // Read-through; without it only the next request is slower.
    let _ = ports.index.put(&key).await;
    Ok(Located::Key(Box::new(key)))
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "verify_rate_tests.rs"]
mod rate_tests;

#[cfg(test)]
#[path = "verify_flood_tests.rs"]
mod flood_tests;
