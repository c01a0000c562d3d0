//! Proving a member token: shape, key, signature, claims.
//!
//! The provider's keys come from the isolate's memory, from the kept copy, or from the provider, in this order. A provider
//! that is down takes nothing away that was known.

use std::rc::Rc;

use super::{failure::Failure, known_keys::Dated, memory::Memory};
use crate::{
    authn::{
        jwks::{KeySet, MAX_DOCUMENT_BYTES, NoKey, VerifyingKey},
        jwt::{self, TokenRefusal, Unproven},
        member::{MemberClaims, MemberSettings},
    },
    ports::{Kept, Outage, Ports},
};

/// How long a request waits at most for the keys that another one is getting: 20 times 50 ms.
const MAX_PAUSES: u32 = 20;
const PAUSE_MS: u32 = 50;

/// Who brings the token, or what is wrong with it. The refusal repeats nothing of the token; it is for whoever sets the
/// provider up, not for whoever calls.
///
/// # Errors
/// [`Failure::Unavailable`] when no key of the provider's is known and none can be had, or when signatures cannot be checked.
pub async fn prove(
    ports: &Ports,
    memory: &Memory,
    settings: &MemberSettings,
    token: &str,
) -> Result<Result<MemberClaims, TokenRefusal>, Failure> {
    // 1. Shape and header: what cannot be good never reaches a key.
    let token = match jwt::read(token) {
        Ok(token) => token,
        Err(refusal) => return Ok(Err(refusal)),
    };
    // 2. The key that it names.
    let Some(key) = find_key(ports, memory, &settings.jwks_url, &token).await? else { return Ok(Err(TokenRefusal::Key)) };
    // 3. The signature; only then the claims.
    let check = async |key: &VerifyingKey, signed: &[u8], signature: &[u8]| ports.signatures.is_good(key, signed, signature).await;
    let now = ports.clock.now();
    let proven = token.prove(&key, check).await?;
    let claims = proven.and_then(|proven| proven.judge(&settings.issuer, &settings.audience, now));
    Ok(claims.and_then(|claims| MemberClaims::of(&claims, &settings.places)))
}

/// The key that the token names; `None` if the provider has none such.
///
/// INVARIANT: what an attempt costs is noted before the first await, where other requests come in.
async fn find_key(ports: &Ports, memory: &Memory, url: &str, token: &Unproven<'_>) -> Result<Option<VerifyingKey>, Outage> {
    let known = || memory.known_keys.borrow_mut();
    let asked_at = ports.clock.now();
    // 1. The isolate's own copy. A fresh one has the last word, but for one look a minute.
    let own = known().last();
    let in_own = find_fresh(own.as_ref(), token, ports);
    if let Some(Ok(_) | Err(NoKey::Unsuited)) = in_own {
        return Ok(in_own.and_then(Result::ok));
    }
    // 2. Somebody is asking, or has just failed: what there is has to do.
    if !known().may_attempt(asked_at) {
        watch_attempt(ports, memory, token).await;
        return settle(known().last(), token, || outage("it did not answer a moment ago"));
    }
    let mut looked = in_own.is_some();
    if looked && !known().take_look(asked_at) {
        return Ok(None);
    }
    known().begin_attempt(asked_at);
    // 3. The copy that some isolate kept.
    if let Some(kept) = kept(ports, url).await {
        known().remember(kept, ports.clock.now());
        let newest = known().last();
        let found = find_fresh(newest.as_ref(), token, ports);
        // As above: a copy without the key is worth a look, unless this is it.
        let enough = match found {
            None => false,
            Some(Ok(_) | Err(NoKey::Unsuited)) => true,
            Some(Err(NoKey::Unknown)) if looked => false,
            Some(Err(NoKey::Unknown)) => {
                looked = known().take_look(ports.clock.now());
                !looked
            }
        };
        if enough {
            known().end_attempt(true, ports.clock.now());
            return Ok(found.and_then(Result::ok));
        }
    }
    // 4. The provider.
    let fetched = fetch(ports, url).await;
    let now = ports.clock.now();
    known().end_attempt(fetched.is_ok(), now);
    match fetched {
        Ok((keys, kept)) => {
            known().remember(Dated { keys, fetched_at: kept.fetched_at.min(now) }, now);
            // Without it the next isolate asks the provider itself.
            let _ = ports.key_sets.keep(url, &kept).await;
            settle(known().last(), token, || outage("its keys were lost"))
        }
        Err(cause) => settle(known().last(), token, || cause),
    }
}

/// Waits a moment for another request that is getting a newer set, if the last one lacks the token's key: right after a
/// rotation many tokens name a key that only one request may ask for. What is watched is plain data; the other request's
/// future must not be awaited here.
async fn watch_attempt(ports: &Ports, memory: &Memory, token: &Unproven<'_>) {
    let lacks = |last: Dated| last.keys.find(token.algorithm(), token.kid()) == Err(NoKey::Unknown);
    for _ in 0..MAX_PAUSES {
        let (last, under_way) = {
            let known = memory.known_keys.borrow();
            (known.last(), known.is_under_way(ports.clock.now()))
        };
        if !under_way || !last.is_some_and(lacks) {
            return;
        }
        ports.clock.pause(PAUSE_MS).await;
    }
}

/// What a fresh set says of the token's key; `None` for one that is not fresh.
fn find_fresh(set: Option<&Dated>, token: &Unproven<'_>, ports: &Ports) -> Option<Result<VerifyingKey, NoKey>> {
    let set = set.filter(|set| set.is_fresh(ports.clock.now()))?;
    Some(set.keys.find(token.algorithm(), token.kid()).cloned())
}

/// The last word: by the last good set, however old; without one there is no answer.
fn settle(last: Option<Dated>, token: &Unproven<'_>, cause: impl FnOnce() -> Outage) -> Result<Option<VerifyingKey>, Outage> {
    let last = last.ok_or_else(cause)?;
    Ok(last.keys.find(token.algorithm(), token.kid()).ok().cloned())
}

/// The kept copy. One that cannot be had or read counts as absent: the provider has the keys.
async fn kept(ports: &Ports, url: &str) -> Option<Dated> {
    let kept = ports.key_sets.kept(url).await.ok()??;
    let keys = KeySet::parse(&kept.document).ok()?;
    Some(Dated { keys: Rc::new(keys), fetched_at: kept.fetched_at })
}

/// The provider's keys as they are now. A document that cannot be relied on is no answer.
async fn fetch(ports: &Ports, url: &str) -> Result<(Rc<KeySet>, Kept), Outage> {
    let fetched_at = ports.clock.now();
    let document = ports.key_sets.fetch(url, MAX_DOCUMENT_BYTES).await?;
    let keys = KeySet::parse(&document).map_err(outage)?;
    Ok((Rc::new(keys), Kept { document, fetched_at }))
}

fn outage(cause: impl std::fmt::Display) -> Outage {
    Outage::IdentityProvider { cause: cause.to_string() }
}

#[cfg(test)]
#[path = "member_tokens_tests.rs"]
mod tests;
