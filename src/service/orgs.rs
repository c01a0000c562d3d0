//! Making and reading organizations.

use serde_json::{Map, Value};

use super::{failure::Failure, publish};
use crate::{
    audit::entry::{Action, AuditEntry, Origin, Target},
    base::id::{AuditId, OrgId},
    policy::org::{OrgDraft, Organization},
    ports::{Ports, Subject},
};

/// Makes an organization.
///
/// # Errors
/// [`Failure::Invalid`] for a bad body, [`Failure::Unavailable`] when the truth cannot be written.
pub async fn create(ports: &Ports, body: &Value, origin: Origin) -> Result<Organization, Failure> {
    let draft = OrgDraft::read(body).map_err(Failure::Invalid)?;
    let now = ports.clock.now();
    let organization = draft.into_organization(OrgId::new(now, ports.entropy.as_ref())?, now);
    let audit = AuditEntry {
        id: AuditId::new(now, ports.entropy.as_ref())?,
        org_id: Some(organization.id.clone()),
        at: now,
        actor: origin.actor,
        action: Action::OrgCreated,
        target: Target::org(&organization),
        changes: Map::new(),
        ip: origin.ip,
        user_agent: origin.user_agent,
        request_id: origin.request_id,
    };
    ports.ledger.create_org(&organization, &audit).await?;
    // Nothing to publish: the organization's guard starts from the truth, near the first caller.
    let _ = ports.ledger.note_published(&Subject::Org(organization.id.clone()), organization.version).await;
    Ok(organization)
}

/// The organization of that id.
///
/// # Errors
/// [`Failure::NotFound`] when there is none, or the id is not one.
pub async fn get(ports: &Ports, id: &str) -> Result<Organization, Failure> {
    let id = OrgId::parse(id).map_err(|_| Failure::NotFound)?;
    let organization = ports.ledger.find_org(&id).await?.ok_or(Failure::NotFound)?;
    publish::catch_up(ports, &Subject::Org(id)).await;
    Ok(organization)
}
