//! An organization's docs: the description of its own API, where its members try it.

use crate::{base::id::OrgId, policy::rules::Playground, ports::Ports, service::failure::Failure};

/// The longest description, in bytes.
const MAX_DOCUMENT_BYTES: usize = 2 * 1024 * 1024;

/// The rules of an organization that publishes docs.
///
/// # Errors
/// [`Failure::NotFound`] for one that does not, and for one that is not there.
pub async fn of_org(ports: &Ports, id: &str) -> Result<Playground, Failure> {
    let id = OrgId::parse(id).map_err(|_| Failure::NotFound)?;
    let organization = ports.ledger.find_org(&id).await?.ok_or(Failure::NotFound)?;
    Some(organization.policy.playground).filter(|playground| playground.openapi_url.is_some()).ok_or(Failure::NotFound)
}

/// The description as the organization publishes it now. It is text and nothing more.
///
/// # Errors
/// As [`of_org`], and [`Failure::Unavailable`] when it cannot be had or is too long.
pub async fn document(ports: &Ports, id: &str) -> Result<String, Failure> {
    let url = of_org(ports, id).await?.openapi_url.ok_or(Failure::NotFound)?;
    Ok(ports.key_sets.fetch(&url, MAX_DOCUMENT_BYTES).await?)
}
