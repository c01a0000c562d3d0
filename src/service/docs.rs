//! An organization's docs: the description of its own API, where its members try it. It is published at an address of the
//! organization's, or was uploaded; the address goes before.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{failure::Failure, orgs};
use crate::{
    audit::entry::{Action, AuditEntry, Origin, Target},
    base::{
        document::{Fault, Faults, Field},
        id::{AuditId, OrgId},
        time::Timestamp,
    },
    policy::{org::Organization, rules::Playground},
    ports::{Ports, Written},
    token::{digest::Digest, format::contains_key},
};

/// The longest description, in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 2 * 1024 * 1024;

/// A description, and what tells it from others.
pub struct Document {
    /// JSON as its author wrote it, or what claims to be; `None` for a reader who has it.
    pub text: Option<String>,
    /// Its digest.
    pub digest: Digest,
}

/// What became of an upload.
#[derive(Serialize)]
pub struct Uploaded {
    /// The title that the description has, if it has one.
    pub title: Option<String>,
    /// The version of OpenAPI.
    pub openapi: String,
    /// How long it is.
    pub bytes: usize,
    /// The SHA-256 of it, in hex.
    pub sha256: String,
    /// Whether there was none before.
    #[serde(skip)]
    pub is_first: bool,
    /// Whether the docs show it: not while the policy has an `openapi_url`.
    pub shown: bool,
}

/// The rules of an organization that has docs.
///
/// # Errors
/// [`Failure::NotFound`] for one that has none, and for one that is not there.
pub async fn of_org(ports: &Ports, id: &str) -> Result<Playground, Failure> {
    let organization = find(ports, id).await?;
    let playground = organization.policy.playground;
    if playground.openapi_url.is_none() && ports.descriptions.find_digest(&organization.id).await?.is_none() {
        return Err(Failure::NotFound);
    }
    Ok(playground)
}

/// The description that the docs show. `knows` says whether the reader has the one with that digest: then its text stays
/// where it is.
///
/// # Errors
/// As [`of_org`], and [`Failure::Unavailable`] when it cannot be had or is too long.
pub async fn document(ports: &Ports, id: &str, knows: impl Fn(&Digest) -> bool) -> Result<Document, Failure> {
    let organization = find(ports, id).await?;
    if let Some(url) = &organization.policy.playground.openapi_url {
        let text = ports.descriptions.fetch(url, MAX_DOCUMENT_BYTES).await?;
        let digest = Digest::of(&text);
        return Ok(Document { text: Some(text).filter(|_| !knows(&digest)), digest });
    }
    let digest = ports.descriptions.find_digest(&organization.id).await?.ok_or(Failure::NotFound)?;
    if knows(&digest) {
        return Ok(Document { text: None, digest });
    }
    // What was uploaded in between has another digest than the one just read.
    let text = ports.descriptions.find(&organization.id).await?.ok_or(Failure::NotFound)?;
    Ok(Document { digest: Digest::of(&text), text: Some(text) })
}

/// Puts a description in the place of the one that was uploaded before. `document` is what `text` says.
///
/// # Errors
/// [`Failure::Invalid`] for what is no OpenAPI 3.0 or 3.1, or has a key in it; [`Failure::Conflict`] when somebody else uploaded
/// at the same time.
pub async fn upload(ports: &Ports, id: &str, text: &str, document: &Value, origin: Origin) -> Result<Uploaded, Failure> {
    let organization = find(ports, id).await?;
    let openapi = read_version(text, document).map_err(Failure::Invalid)?;
    let before = replace(ports, &organization, Some(text), origin).await?;
    Ok(Uploaded {
        is_first: before.is_none(),
        title: document.pointer("/info/title").and_then(Value::as_str).map(str::to_owned),
        openapi,
        bytes: text.len(),
        sha256: Digest::of(text).hex(),
        shown: organization.policy.playground.openapi_url.is_none(),
    })
}

/// Takes away the description that was uploaded.
///
/// # Errors
/// [`Failure::NotFound`] when there is none, [`Failure::Conflict`] when somebody else uploaded at the same time.
pub async fn remove(ports: &Ports, id: &str, origin: Origin) -> Result<(), Failure> {
    let organization = find(ports, id).await?;
    replace(ports, &organization, None, origin).await?.map(drop).ok_or(Failure::NotFound)
}

/// Whether a page of that origin may ask for the organization's test tokens.
///
/// # Errors
/// An outage.
pub async fn is_listed(ports: &Ports, id: &str, origin: &str) -> Result<bool, Failure> {
    let Ok(id) = OrgId::parse(id) else { return Ok(false) };
    let organization = ports.ledger.find_org(&id).await?;
    Ok(organization.is_some_and(|organization| {
        let playground = &organization.policy.playground;
        playground.enabled && playground.allowed_origins.iter().any(|listed| listed == origin)
    }))
}

async fn find(ports: &Ports, id: &str) -> Result<Organization, Failure> {
    let organization = orgs::find(ports, id).await?;
    if organization.id.is_reserved() { Err(Failure::NotFound) } else { Ok(organization) }
}

/// The version of OpenAPI that a description says it has. The rest of it is the viewer's, which takes nothing for granted.
fn read_version(text: &str, document: &Value) -> Result<String, Vec<Fault>> {
    let mut faults = Faults::default();
    let version = Field::new(document, "").object(&mut faults).and_then(|mut members| {
        let version = members.required("openapi", &mut faults)?.text(&mut faults)?;
        if !["3.0.", "3.1."].iter().any(|known| version.starts_with(known)) {
            faults.value("/openapi", "must be 3.0 or 3.1 with its last number, such as 3.1.0");
        }
        Some(version.to_owned())
    });
    if contains_key(text) {
        faults.value("", "must not contain a key: anybody can read the docs");
    }
    faults.conclude(version)
}

/// What was there before. The same once more is no change.
async fn replace(ports: &Ports, organization: &Organization, text: Option<&str>, origin: Origin) -> Result<Option<Digest>, Failure> {
    let before = ports.descriptions.find_digest(&organization.id).await?;
    let after = text.map(Digest::of);
    if before == after {
        return Ok(before);
    }
    let audit = entry(ports, organization, before.as_ref(), after.as_ref(), origin, ports.clock.now())?;
    match ports.descriptions.replace(&organization.id, before.as_ref(), text, &audit).await? {
        Written::Done => Ok(before),
        Written::LostRace => Err(Failure::Conflict),
    }
}

/// The audit log has digests, not documents of megabytes.
fn entry(
    ports: &Ports,
    organization: &Organization,
    before: Option<&Digest>,
    after: Option<&Digest>,
    origin: Origin,
    now: Timestamp,
) -> Result<AuditEntry, Failure> {
    let id = AuditId::new(now, ports.entropy.as_ref())?;
    let name = |digest: Option<&Digest>| digest.map(|digest| format!("sha256:{}", digest.hex()));
    let changes = Map::from_iter([("openapi".to_owned(), json!({"from": name(before), "to": name(after)}))]);
    Ok(origin.entry(id, organization.id.clone(), now, Action::OrgUpdated, Target::org(organization), changes))
}

#[cfg(test)]
#[path = "docs_tests.rs"]
mod tests;
