//! Deciding a request: shape, index, free checks, guards.
//!
//! The index may be stale, so the guards have the last word: they name the version in force, and hand out tokens only to
//! an edge that judged by it.

use std::rc::Rc;

use futures_util::future::join;

use super::{failure::Failure, memory::Memory};
use crate::{
    base::{id::SecretId, time::Timestamp},
    decision::{
        decide::decide,
        facts::{Ask, Facts},
        verdict::Denial,
    },
    key::record::{KeyRecord, StoredRecordError},
    limit::{
        guard::{Command, Reply},
        window::Quota,
    },
    policy::{org::Organization, scope::Permission},
    ports::{Outage, Ports, Subject},
    token::{digest::Digest, format::Key},
};

/// How often records may move on while one request is being decided.
const MAX_ROUNDS: u32 = 8;

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
    // 1. Shape and checksum: a typo never reaches storage.
    let credential = match Key::parse(credential) {
        Ok(credential) => credential,
        Err(malformed) => return decision(Err(malformed.into()), None),
    };
    // 2. Index, truth on a miss.
    let digest = credential.digest();
    let Some(mut key) = locate(ports, &digest).await? else {
        return decision(Err(Denial::NotFound), None);
    };
    let mut organization = memory.org(&key.org_id);
    for _ in 0..MAX_ROUNDS {
        // 3. Free checks, by the records known so far. A secret that the newest record no longer has is no key's.
        let Some(secret) = key.secret(&digest) else {
            return decision(Err(Denial::NotFound), None);
        };
        let facts = organization.as_deref().map(|organization| Facts { key: &key, secret, organization });
        let judged = facts.as_ref().map(|facts| decide(facts, ask, ports.clock.now()));
        // 4. Both guards at once: they confirm the versions and, if the checks passed, charge.
        let charge = Charge::of(&key, organization.as_deref(), ask, matches!(judged, Some(Ok(()))));
        let (of_key, of_org) =
            join(ports.guards.send(&charge.key, &charge.from_key), ports.guards.send(&charge.org, &charge.from_org)).await;
        let (of_key, of_org) = match (of_key, of_org) {
            (Ok(of_key), Ok(of_org)) => (of_key, of_org),
            (Err(outage), _) | (_, Err(outage)) => return Err(outage.into()),
        };
        // 5. A newer record, a refusal, or a grant.
        match (&of_key, &of_org) {
            (Reply::Unknown, _) | (_, Reply::Unknown) => return decision(Err(Denial::NotFound), None),
            (Reply::Newer { .. }, _) | (_, Reply::Newer { .. }) => {
                charge.release(ports, &of_key, &of_org).await?;
                if let Reply::Newer { terms } = of_key {
                    never_back(key.version, terms.version)?;
                    let Some(record) = &terms.record else { return decision(Err(Denial::NotFound), None) };
                    key = KeyRecord::from_stored(record)?;
                    // The index is behind; a later request should not have to ask twice. It mends itself if this fails.
                    let _ = ports.index.put(&key).await;
                }
                if let Reply::Newer { terms } = of_org {
                    never_back(organization.as_ref().map_or(0, |organization| organization.version), terms.version)?;
                    let Some(record) = &terms.record else { return decision(Err(Denial::NotFound), None) };
                    let newest: Rc<Organization> = Rc::new(serde_json::from_str(record).map_err(StoredRecordError::from)?);
                    memory.remember_org(newest.clone());
                    organization = Some(newest);
                }
            }
            _ => {
                let now = ports.clock.now();
                let (charged, released) = match (limited(&of_key, now)?, limited(&of_org, now)?) {
                    (None, None) => (Ok(()), 0),
                    (of_key_limited, of_org_limited) => {
                        charge.release(ports, &of_key, &of_org).await?;
                        (Err(later(of_key_limited, of_org_limited)), charge.tokens)
                    }
                };
                let granted = facts.as_ref().map(Facts::granted).unwrap_or_default();
                let (quota, org_quota) = (quota(&of_key, released), quota(&of_org, released));
                let known = Known { secret: secret.id.clone(), granted, quota, org_quota, key };
                let judged = judged.ok_or_else(|| Outage::Guard { cause: "vouched for an organization that was never read".to_owned() })?;
                return decision(judged.and(charged), Some(known));
            }
        }
    }
    Err(Outage::Guard { cause: "the records kept changing".to_owned() }.into())
}

/// INVARIANT: an edge never goes back to a lower version. A guard that is behind what the edge knows, even after it read
/// the truth, has nothing to decide by.
fn never_back(known: u64, offered: u64) -> Result<(), Outage> {
    if offered > known { Ok(()) } else { Err(Outage::Guard { cause: format!("is at version {offered}, behind {known}") }) }
}

async fn locate(ports: &Ports, digest: &Digest) -> Result<Option<KeyRecord>, Failure> {
    if let Some(key) = ports.index.find(digest).await? {
        return Ok(Some(key));
    }
    let found = ports.ledger.find_key_by_digest(digest).await?;
    if let Some(key) = &found {
        // Read-through; without it only the next request is slower.
        let _ = ports.index.put(key).await;
    }
    Ok(found)
}

/// One request's claim on the tokens of its key and of its organization: all or nothing.
struct Charge {
    key: Subject,
    org: Subject,
    from_key: Command,
    from_org: Command,
    tokens: u32,
}

impl Charge {
    fn of(key: &KeyRecord, organization: Option<&Organization>, ask: &Ask, passed: bool) -> Self {
        let tokens = if passed { ask.cost } else { 0 };
        let acquire = |version_known| Command::Acquire { version_known, want: tokens, peek: ask.peek };
        Self {
            key: Subject::Key(key.id.clone()),
            org: Subject::Org(key.org_id.clone()),
            from_key: acquire(key.version),
            from_org: acquire(organization.map_or(0, |organization| organization.version)),
            tokens: if ask.peek { 0 } else { tokens },
        }
    }

    /// Gives back what one guard granted, because the other did not.
    async fn release(&self, ports: &Ports, of_key: &Reply, of_org: &Reply) -> Result<(), Outage> {
        for (subject, reply) in [(&self.key, of_key), (&self.org, of_org)] {
            if let Reply::Granted { granted_at, quota: Some(_) } = reply
                && self.tokens > 0
            {
                ports.guards.send(subject, &Command::Release { tokens: self.tokens, granted_at: *granted_at }).await?;
            }
        }
        Ok(())
    }
}

/// Whether a guard refused for want of tokens, and for how long (`None` inside: for ever).
fn limited(reply: &Reply, now: Timestamp) -> Result<Option<Option<u64>>, Outage> {
    match reply {
        Reply::Granted { .. } => Ok(None),
        Reply::Limited { retry_at, .. } => Ok(Some(retry_at.map(|moment| u64::try_from(moment.ms() - now.ms()).unwrap_or(0).max(1)))),
        other => Err(Outage::Guard { cause: format!("answered a charge with {other:?}") }),
    }
}

/// The later of two waits.
fn later(one: Option<Option<u64>>, other: Option<Option<u64>>) -> Denial {
    let waits: Vec<Option<u64>> = [one, other].into_iter().flatten().collect();
    let retry_after_ms = if waits.contains(&None) { None } else { waits.into_iter().flatten().max() };
    Denial::RateLimited { retry_after_ms }
}

/// What is left after `released` tokens of a grant went back.
fn quota(reply: &Reply, released: u32) -> Option<Quota> {
    match reply {
        Reply::Granted { quota, .. } => {
            quota.map(|quota| Quota { remaining: quota.remaining.saturating_add(released).min(quota.limit), ..quota })
        }
        Reply::Limited { quota, .. } => Some(*quota),
        _ => None,
    }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "verify_rate_tests.rs"]
mod rate_tests;
