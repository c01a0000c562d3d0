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

/// How much longer than edges believe that there are no imports the first one waits: clocks drift.
const MARGIN_MS: i64 = 250;

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
    let first_ever = !ports.ledger.has_imports().await?;
    let any_good = items.iter().any(Result::is_ok);
    let mut results = Vec::with_capacity(items.len());
    for item in items {
        results.push(match item {
            Ok(item) => take_over(ports, &organization, item, &author, now).await,
            Err(faults) => Err(Failure::Invalid(faults)),
        });
    }
    // An item whose answer was lost may be there all the same.
    if any_good {
        memory.remember_imports(true, now);
        if first_ever {
            // INVARIANT: when an import returns, no edge still believes that there are none.
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
        prefix: item.prefix,
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
