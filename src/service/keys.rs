//! Making, reading, listing and revoking keys.

use serde_json::{Map, Value};

use super::{failure::Failure, orgs, publish};
use crate::{
    audit::entry::{Action, AuditEntry, Origin, Target, change},
    base::{
        cursor,
        document::{Fault, Faults, Field},
        id::{AuditId, KeyId, OrgId, SecretId},
        secret::Plaintext,
        time::Timestamp,
    },
    key::{
        draft::{Issue, KeyDraft},
        query::{KeyQuery, Position, SortField},
        record::{KeyRecord, Kind},
        state::{Revoked, Status},
    },
    policy::org::Organization,
    ports::{Ports, Subject, Written},
    token::format::Key,
};

/// How often a change is tried again when others change the same key at the same time.
const MAX_RACES: u32 = 5;

/// A new key and the only sight of its secret.
pub struct Created {
    /// The key.
    pub key: KeyRecord,
    /// Its secret.
    pub secret: Plaintext,
}

/// A page of keys.
pub struct Page {
    /// The keys.
    pub keys: Vec<KeyRecord>,
    /// The cursor of the next page, if there is one.
    pub next_cursor: Option<String>,
}

/// A narrowed key, and since when that holds everywhere.
pub struct Narrowed {
    /// The key.
    pub key: KeyRecord,
    /// Since when.
    pub in_force_at: Timestamp,
}

/// Makes a key.
///
/// # Errors
/// [`Failure::Invalid`] for a bad body or a value that the policy rules out, [`Failure::PolicyForbids`],
/// [`Failure::FeatureDisabled`], [`Failure::NotFound`] without such an organization.
pub async fn create(ports: &Ports, org: &str, body: &Value, origin: Origin) -> Result<Created, Failure> {
    let organization = manageable(ports, org).await?;
    let now = ports.clock.now();
    let draft = KeyDraft::read(body, &organization.policy, now).map_err(Failure::Invalid)?;
    if draft.can_impersonate && !organization.policy.impersonation {
        return Err(Failure::PolicyForbids { operation: "impersonation" });
    }
    let entropy = ports.entropy.as_ref();
    let issue = Issue {
        key_id: KeyId::new(now, entropy)?,
        secret_id: SecretId::new(now, entropy)?,
        key: Key::generate(&organization.policy.key_prefix, entropy)?,
        created_by: origin.actor.clone(),
        now,
    };
    let key = draft.into_record(organization.id, Kind::Standard, &issue);
    let audit = entry(ports, &key, Action::KeyCreated, Map::new(), origin, now)?;
    ports.ledger.create_key(&key, &audit).await?;
    publish::announce_key(ports, &key).await;
    Ok(Created { key, secret: issue.key.plaintext().clone() })
}

/// The key of that id.
///
/// # Errors
/// [`Failure::NotFound`] when the organization has no such key.
pub async fn get(ports: &Ports, org: &str, key: &str) -> Result<KeyRecord, Failure> {
    let organization = manageable(ports, org).await?;
    let key = find(ports, &organization.id, key).await?;
    publish::catch_up(ports, &Subject::Key(key.id.clone())).await;
    Ok(key)
}

/// A page of the organization's keys.
///
/// # Errors
/// [`Failure::ForeignCursor`] for a cursor that this list did not hand out.
pub async fn list(ports: &Ports, org: &str, mut query: KeyQuery, cursor: Option<&str>) -> Result<Page, Failure> {
    let organization = manageable(ports, org).await?;
    let list_name = query.list_name(organization.id.as_str());
    if let Some(cursor) = cursor {
        let position = cursor::open(&list_name, cursor)?;
        query.after = Some(Position::parse(&position).ok_or(cursor::ForeignCursor)?);
    }
    let page_length = query.limit as usize;
    // One more than the page holds tells whether there is a next page.
    query.limit += 1;
    let mut keys = ports.ledger.list_keys(&organization.id, &query).await?;
    let more = keys.len() > page_length;
    keys.truncate(page_length);
    let last = keys.last().filter(|_| more);
    let next_cursor = last.map(|key| cursor::seal(&list_name, &position_of(key, query.sort.field).to_text()));
    Ok(Page { keys, next_cursor })
}

fn position_of(key: &KeyRecord, field: SortField) -> Position {
    let value = match field {
        SortField::CreatedAt => key.created_at.ms().to_string(),
        SortField::LastUsedAt => key.last_used_at.map_or(0, Timestamp::ms).to_string(),
        SortField::Name => key.name.clone(),
    };
    Position { value, id: key.id.to_string() }
}

/// Revokes a key. When this returns, no request that starts afterwards is admitted, at any edge.
///
/// # Errors
/// [`Failure::NotYetInForce`] when the revocation is stored but not yet everywhere: repeating it is safe.
/// [`Failure::PreconditionFailed`] when `if_version` names another version than the key has.
pub async fn revoke(
    ports: &Ports,
    org: &str,
    key: &str,
    body: Option<&Value>,
    if_version: Option<&[u64]>,
    origin: Origin,
) -> Result<Narrowed, Failure> {
    let organization = manageable(ports, org).await?;
    let reason = read_reason(body).map_err(Failure::Invalid)?;
    for _ in 0..MAX_RACES {
        let found = find(ports, &organization.id, key).await?;
        expect_version(&found, if_version)?;
        let read_version = found.version;
        let now = ports.clock.now();
        let before = found.status(now);
        let key = match found.revoke(origin.actor.clone(), reason.clone(), now) {
            Revoked::Before(key) => key,
            Revoked::Now(key) => {
                let changes = Map::from_iter([change("status", before, Status::Revoked), change("revocation_reason", None::<()>, &reason)]);
                let audit = entry(ports, &key, Action::KeyRevoked, changes, origin.clone(), now)?;
                match ports.ledger.update_key(&key, read_version, &audit).await? {
                    Written::Done => key,
                    Written::LostRace => continue,
                }
            }
        };
        let in_force_at = publish::publish_key(ports, &key).await?;
        return Ok(Narrowed { key, in_force_at });
    }
    Err(Failure::Conflict)
}

/// The organization, if its keys can be managed now.
async fn manageable(ports: &Ports, org: &str) -> Result<Organization, Failure> {
    let organization = orgs::get(ports, org).await?;
    if organization.is_disabled() { Err(Failure::FeatureDisabled) } else { Ok(organization) }
}

/// A key of another organization is not found: same answer, whether or not it exists.
async fn find(ports: &Ports, org: &OrgId, key: &str) -> Result<KeyRecord, Failure> {
    let id = KeyId::parse(key).map_err(|_| Failure::NotFound)?;
    ports.ledger.find_key(&id).await?.filter(|key| key.org_id == *org).ok_or(Failure::NotFound)
}

fn expect_version(key: &KeyRecord, if_version: Option<&[u64]>) -> Result<(), Failure> {
    match if_version {
        Some(versions) if !versions.contains(&key.version) => Err(Failure::PreconditionFailed { version: key.version }),
        _ => Ok(()),
    }
}

const MAX_REASON_CHARS: usize = 500;

fn read_reason(body: Option<&Value>) -> Result<Option<String>, Vec<Fault>> {
    let Some(body) = body else { return Ok(None) };
    let mut faults = Faults::default();
    let reason = Field::new(body, "").object(&mut faults).map(|mut members| {
        let field = members.optional("reason").filter(|field| !field.value.is_null());
        let reason = field.and_then(|field| {
            let text = field.text(&mut faults)?.trim();
            if text.chars().count() > MAX_REASON_CHARS {
                faults.value(&field.pointer, format!("must be at most {MAX_REASON_CHARS} characters"));
            }
            (!text.is_empty()).then(|| text.to_owned())
        });
        members.close(&mut faults);
        reason
    });
    faults.conclude(reason)
}

fn entry(
    ports: &Ports,
    key: &KeyRecord,
    action: Action,
    changes: Map<String, Value>,
    origin: Origin,
    now: Timestamp,
) -> Result<AuditEntry, Failure> {
    Ok(AuditEntry {
        id: AuditId::new(now, ports.entropy.as_ref())?,
        org_id: Some(key.org_id.clone()),
        at: now,
        actor: origin.actor,
        action,
        target: Target::key(key),
        changes,
        ip: origin.ip,
        user_agent: origin.user_agent,
        request_id: origin.request_id,
    })
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "keys_list_tests.rs"]
mod list_tests;
