//! Deciding a request: shape, index, free checks, guards.
//!
//! The index may be stale, so the guards have the last word: they name the version in force, and hand out tokens only to
//! an edge that judged by it.

use std::{borrow::Cow, net::IpAddr, rc::Rc};

use super::{
    claim::{self, Claimed, Part},
    failure::Failure,
    inquiry::Question,
    memory::Memory,
};
use crate::{
    base::{id::SecretId, time::Timestamp},
    decision::{
        decide::decide,
        exercise::exercised,
        facts::{Ask, Facts},
        verdict::{Denial, VALID},
    },
    key::record::KeyRecord,
    limit::window::Quota,
    policy::{
        org::Organization,
        rules::{Consistency, OnGuardFailure},
        scope::Permission,
    },
    ports::{FLOOD_PERIOD_MS, Flood, Outage, Ports},
    token::{digest::Digest, format::Key},
    usage::{count::origin_class, report::Deed},
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
    /// How old the records may be that it was made on.
    pub freshness: Freshness,
}

/// How old the records may be that a decision was made on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// They were in force when the guards were asked for this request.
    Strict,
    /// They are in force, or were this long ago.
    Leased {
        /// In milliseconds.
        bound_ms: u32,
    },
    /// Nobody vouches for them: the guards could not be asked, and the policy goes on without.
    Unconfirmed,
}

/// What a decision about a known key was made on.
pub struct Known {
    /// The key in the version that is in force.
    pub key: Rc<KeyRecord>,
    /// The secret that was presented.
    pub secret: SecretId,
    /// Its organization, in the version that is in force.
    pub organization: Rc<Organization>,
    /// The permissions that count.
    pub granted: Vec<Permission>,
    /// What is left of the key's own rate; `None` without a limit.
    pub quota: Option<Quota>,
    /// What is left of the rate that the organization's keys share; `None` without a limit.
    pub org_quota: Option<Quota>,
}

impl Known {
    fn of(
        key: Rc<KeyRecord>,
        organization: Rc<Organization>,
        digest: &Digest,
        quota: Option<Quota>,
        org_quota: Option<Quota>,
    ) -> Option<Self> {
        let secret = key.secret(digest)?;
        let granted = Facts { key: &key, secret, organization: &organization }.granted();
        Some(Self { secret: secret.id.clone(), organization, granted, quota, org_quota, key })
    }
}

/// Decides a request that presents `credential`, and counts it if its key is known.
///
/// # Errors
/// [`Failure::Unavailable`] when no decision can be reached: fail closed. Then nothing is counted.
pub async fn verify(ports: &Ports, memory: &Memory, credential: &str, ask: &Ask) -> Result<Decision, Failure> {
    // 1. Shape and checksum: a typo never reaches storage, unless keys of other shapes were imported. Nor is room made, and
    // moved, for what comes after.
    let presented = match Key::parse(credential) {
        Ok(credential) => (credential.digest(), Denial::NotFound),
        Err(malformed) if credential.len() <= MAX_FOREIGN_BYTES && has_imports(ports, memory).await? => {
            (Digest::of(credential), malformed.into())
        }
        Err(malformed) => {
            let at = ports.clock.now();
            return Ok(Decision { outcome: Err(malformed.into()), known: None, at, freshness: Freshness::Strict });
        }
    };
    let decision = reach(ports, memory, presented, ask).await?;
    if let Some(known) = &decision.known {
        if !ask.peek && !count(memory, known, &decision, ask) {
            ports.background.log(&format!("a request with {} is not counted: too many keys wait for their guards", known.key.id));
        }
        look_ahead(ports, memory, known);
    }
    Ok(decision)
}

/// Counts how the origin answered an admitted request; `None` is that it did not.
pub fn count_origin(ports: &Ports, memory: &Memory, known: &Known, status: Option<u16>) {
    let (class, now) = (origin_class(status), ports.clock.now());
    let is_counted = memory.keys.count(|tallies| tallies.count(&known.key.id, class, now))
        & memory.orgs.count(|tallies| tallies.count(&known.key.org_id, class, now));
    if !is_counted {
        ports.background.log(&format!("an answer to {} is not counted: too many keys wait for their guards", known.key.id));
    }
    // The edge may have gone quiet while the origin took its time.
    look_ahead(ports, memory, known);
}

/// Counts the request for its key and for the key's organization.
fn count(memory: &Memory, known: &Known, decision: &Decision, ask: &Ask) -> bool {
    let (key, at) = (&known.key, decision.at);
    let code = decision.outcome.as_ref().err().map_or(VALID, Denial::code);
    let is_told_of_org = memory.orgs.count(|tallies| tallies.count(&key.org_id, code, at));
    let is_told_of_key = memory.keys.count(|tallies| {
        let is_counted = tallies.count_deed(&key.id, &known.secret, deed(code, at, ask));
        if decision.outcome.is_ok() {
            tallies.note_uses(&key.id, at, |tell| exercised(ask, &known.organization, &known.granted, tell));
        }
        is_counted
    });
    is_told_of_org && is_told_of_key
}

fn deed(code: &'static str, at: Timestamp, ask: &Ask) -> Deed {
    Deed {
        at,
        code: Cow::Borrowed(code),
        method: ask.line.method.clone(),
        path: ask.line.path.clone(),
        ip: ask.ip,
        act_as: ask.act_as.clone(),
    }
}

/// Decides a request with a credential of that digest; the denial is for one that nobody knows.
async fn reach(ports: &Ports, memory: &Memory, (digest, unknown): (Digest, Denial), ask: &Ask) -> Result<Decision, Failure> {
    let decision = |outcome, known| Ok(Decision { outcome, known, at: ports.clock.now(), freshness: Freshness::Strict });
    // 2. What the truth did not know a moment ago, it does not know now, unless it was imported meanwhile.
    if memory.is_unknown(&digest, ports.clock.now()) && !has_imports(ports, memory).await? {
        return decision(Err(unknown), None);
    }
    // 3. Index, truth on a miss.
    let mut key = match locate(ports, memory, &digest, ask.ip).await? {
        Located::Key(key) => key,
        Located::Nowhere => return decision(Err(unknown), None),
        Located::NotLookedUp => return decision(Err(Denial::TooManyUnknown { retry_after_ms: FLOOD_PERIOD_MS }), None),
    };
    for _ in 0..MAX_ROUNDS {
        // 4. Free checks, by the records known so far. A secret that the newest record no longer has is no key's.
        let organization = memory.orgs.record(&key.org_id);
        let Some(judged) = judge(&key, organization.as_deref(), &digest, ask, ports.clock.now()) else {
            return decision(Err(Denial::NotFound), None);
        };
        let want = if matches!(judged, Judgement::Fails(_)) { 0 } else { ask.cost };
        let question = Question { want, ttl_ms: ttl_ms(&key, organization.as_deref()), peek: ask.peek };
        // 5. Tokens, and that the records are in force: by the leases that are held, else by the guards, both at once.
        let of_key = Part::of(ports, &memory.keys, &key.id, Some(Rc::clone(&key)), question);
        let of_org = Part::of(ports, &memory.orgs, &key.org_id, organization.clone(), question);
        let (mut of_key, mut of_org) = match claim::both(ports, of_key, of_org).await {
            Ok(parts) => parts,
            Err(Failure::Unavailable(outage)) => return without_guard(ports, key, organization, &digest, ask, outage).await,
            Err(failure) => return Err(failure),
        };
        // 6. Judge by the records in force. The index is behind; if it cannot be mended now, a later request does.
        let Some(organization) = of_org.record.clone() else {
            claim::give_back(ports, &mut of_key, &mut of_org).await?;
            return decision(Err(Denial::NotFound), None);
        };
        match of_key.record.clone() {
            Some(newest) if newest.version > key.version => {
                let _ = ports.index.put(&newest).await;
                key = newest;
            }
            Some(newest) => key = newest,
            // A deleted key's credential may have been imported anew, as another key.
            None => {
                claim::give_back(ports, &mut of_key, &mut of_org).await?;
                let found = ports.ledger.find_key_by_digest(&digest).await?.filter(|found| found.id != key.id);
                let Some(found) = found else { return decision(Err(Denial::NotFound), None) };
                let _ = ports.index.put(&found).await;
                key = memory.remember_key(found);
                continue;
            }
        }
        let Some(judged) = judge(&key, Some(&organization), &digest, ask, ports.clock.now()) else {
            claim::give_back(ports, &mut of_key, &mut of_org).await?;
            return decision(Err(Denial::NotFound), None);
        };
        let outcome = match judged {
            Judgement::Fails(denial) => {
                claim::give_back(ports, &mut of_key, &mut of_org).await?;
                Err(denial)
            }
            // It passes by newer records than those that it failed by: now for the tokens.
            Judgement::Passes | Judgement::Open if want == 0 => continue,
            Judgement::Passes | Judgement::Open => match claim::take(ports, &mut of_key, &mut of_org, want).await? {
                Claimed::Taken => Ok(()),
                Claimed::Refused(denial) => Err(denial),
                Claimed::TooLate => continue,
            },
        };
        let freshness = match ttl_ms(&key, Some(&organization)) {
            0 => Freshness::Strict,
            bound_ms if !ask.peek => Freshness::Leased { bound_ms },
            _ => Freshness::Strict,
        };
        let known = Known::of(key, organization, &digest, of_key.quota, of_org.quota);
        return Ok(Decision { outcome, known, at: ports.clock.now(), freshness });
    }
    Err(Outage::Guard { cause: "the records kept changing".to_owned() }.into())
}

/// What the free checks say of a request.
enum Judgement {
    Passes,
    Fails(Denial),
    /// Nothing yet: the organization was never seen.
    Open,
}

/// Makes the free checks; `None` when the credential is no longer one of the key's.
fn judge(key: &KeyRecord, organization: Option<&Organization>, digest: &Digest, ask: &Ask, now: Timestamp) -> Option<Judgement> {
    let secret = key.secret(digest)?;
    Some(match organization.map(|organization| decide(&Facts { key, secret, organization }, ask, now)) {
        None => Judgement::Open,
        Some(Ok(())) => Judgement::Passes,
        Some(Err(denial)) => Judgement::Fails(denial),
    })
}

/// How long a lease may live for such a key: not at all for a strict one, nor before the organization's policy was seen.
fn ttl_ms(key: &KeyRecord, organization: Option<&Organization>) -> u32 {
    match (key.consistency, organization) {
        (Consistency::Leased, Some(organization)) => organization.policy.consistency.lease_ms,
        (Consistency::Strict, _) | (_, None) => 0,
    }
}

/// A busy key's leases are renewed before they run out; once it is quiet, its guard hears what is left to tell.
fn look_ahead(ports: &Ports, memory: &Memory, known: &Known) {
    let (key, now) = (&known.key, ports.clock.now());
    let ttl_ms = ttl_ms(key, memory.orgs.record(&key.org_id).as_deref());
    let chores = [memory.keys.chores(&key.id, ttl_ms, now), memory.orgs.chores(&key.org_id, ttl_ms, now)];
    chores.into_iter().flatten().flatten().for_each(|chore| ports.background.later(chore));
}

/// When a guard cannot be asked and no lease is held, the policy says what is answered: nothing, or what the last known
/// records say, without a limit.
async fn without_guard(
    ports: &Ports,
    key: Rc<KeyRecord>,
    organization: Option<Rc<Organization>>,
    digest: &Digest,
    ask: &Ask,
    outage: Outage,
) -> Result<Decision, Failure> {
    let organization = match organization {
        Some(organization) => Some(organization),
        None => ports.ledger.find_org(&key.org_id).await?.map(Rc::new),
    };
    let allowed = |organization: &Rc<Organization>| organization.policy.consistency.on_guard_failure == OnGuardFailure::Allow;
    let Some(organization) = organization.filter(allowed) else { return Err(outage.into()) };
    ports.background.log(&format!("{} is decided unconfirmed: {outage}", key.id));
    let outcome = match judge(&key, Some(&organization), digest, ask, ports.clock.now()) {
        None => Err(Denial::NotFound),
        Some(Judgement::Fails(denial)) => Err(denial),
        Some(Judgement::Passes | Judgement::Open) => Ok(()),
    };
    let known = Known::of(key, organization, digest, None, None);
    Ok(Decision { outcome, known, at: ports.clock.now(), freshness: Freshness::Unconfirmed })
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
    Key(Rc<KeyRecord>),
    Nowhere,
    /// The truth was not asked, so there may be such a key.
    NotLookedUp,
}

async fn locate(ports: &Ports, memory: &Memory, digest: &Digest, ip: Option<IpAddr>) -> Result<Located, Failure> {
    // Its guard confirms the version in any case: what was seen once need not be looked up.
    if let Some(key) = memory.key_of(digest) {
        return Ok(Located::Key(key));
    }
    if let Some(key) = ports.index.find(digest).await? {
        return Ok(Located::Key(memory.remember_key(key)));
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
    Ok(Located::Key(memory.remember_key(key)))
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

#[cfg(test)]
#[path = "verify_lease_tests.rs"]
mod lease_tests;
