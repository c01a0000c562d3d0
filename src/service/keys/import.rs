//! Taking over keys that were issued elsewhere.

use serde_json::Value;

use super::{
    create::{add, may_impersonate},
    manageable,
};
use crate::{
    audit::entry::Action,
    base::{
        id::{KeyId, SecretId},
        time::Timestamp,
    },
    key::{
        draft::Issue,
        import::{self as document, ImportItem},
        record::{KeyRecord, Kind, SecretRecord},
    },
    policy::org::Organization,
    ports::{Admission, Ports},
    service::{
        author::Author,
        failure::Failure,
        memory::{Memory, NO_IMPORTS_MS},
    },
};

/// How much longer than edges believe that there are no imports an import waits: clocks drift.
const MARGIN_MS: i64 = 250;

/// How long ago a secret must have been imported so that no edge can have missed it. Far longer than a write takes to
/// commit and than clocks disagree: its time is that from before it was written.
const SETTLED_MS: i64 = 300_000;

/// What became of each item, in order.
pub type Imported = Vec<Result<KeyRecord, Failure>>;

/// Takes over each good item; a bad one fails alone.
///
/// # Errors
/// When the body is not a list of items, or the truth cannot be reached before the first of them.
pub async fn import(ports: &Ports, memory: &Memory, org: &str, body: &Value, author: Author) -> Result<Imported, Failure> {
    let organization = manageable(ports, org).await?;
    let now = ports.clock.now();
    let items = document::read(body, &organization.policy, now).map_err(Failure::Invalid)?;
    let mut results = Vec::with_capacity(items.len());
    for item in items {
        results.push(match item {
            Ok(item) => take_over(ports, &organization, item, &author, ports.clock.now()).await,
            Err(faults) => Err(Failure::Invalid(faults)),
        });
    }
    // An item whose answer was lost may be there all the same.
    if results.iter().any(|result| matches!(result, Ok(_) | Err(Failure::Unavailable(_)))) {
        memory.remember_imports(true, now);
        // INVARIANT: when an import returns, no edge still believes that there are none. Asked only now: whoever asks the
        // truth later than this sees these items, and who asked shortly before saw the settled one.
        let settled_before = ports.clock.now().plus_ms(-SETTLED_MS);
        if !ports.ledger.has_imports(Some(settled_before)).await.unwrap_or(false) {
            ports.clock.pause(u32::try_from(NO_IMPORTS_MS + MARGIN_MS).unwrap_or(u32::MAX)).await;
        }
    }
    Ok(results)
}

async fn take_over(
    ports: &Ports,
    organization: &Organization,
    item: ImportItem,
    author: &Author,
    now: Timestamp,
) -> Result<KeyRecord, Failure> {
    may_impersonate(&organization.policy, item.draft.can_impersonate)?;
    let secret = SecretRecord {
        id: SecretId::new(now, ports.entropy.as_ref())?,
        digest: item.digest,
        prefix: item.prefix.into(),
        created_at: now,
        expires_at: None,
        last_used_at: None,
        imported: true,
    };
    let issue = Issue { key_id: KeyId::new(now, ports.entropy.as_ref())?, secret, created_by: author.origin.actor.clone() };
    let key = item.draft.into_record(organization.id.clone(), Kind::Standard, &issue);
    author.may_grant(&key, None)?;
    add(ports, &key, Admission::Open, Action::KeyImported, author.origin.clone(), now).await?;
    Ok(key)
}
