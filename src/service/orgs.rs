//! Making, reading and changing organizations.

use serde_json::Value;

use super::{
    failure::Failure,
    page::{self, Page},
    publish,
};
use crate::{
    audit::{
        changes,
        entry::{Action, AuditEntry, Origin, Target},
    },
    base::{
        id::{AuditId, OrgId},
        time::Timestamp,
    },
    policy::org::{OrgDraft, Organization},
    ports::{OrgQuery, Ports, Subject, Written},
};

/// The name of the list of organizations, for its cursors.
const LIST: &str = "orgs";

/// A changed organization, and since when that holds everywhere, where the change may have taken something away.
pub struct Changed {
    /// The organization.
    pub organization: Organization,
    /// Since when.
    pub in_force_at: Option<Timestamp>,
}

/// Makes an organization.
///
/// # Errors
/// [`Failure::Invalid`] for a bad body, [`Failure::Unavailable`] when the truth cannot be written.
pub async fn create(ports: &Ports, body: &Value, origin: Origin) -> Result<Organization, Failure> {
    let draft = OrgDraft::read(body).map_err(Failure::Invalid)?;
    let now = ports.clock.now();
    let organization = draft.into_organization(OrgId::new(now, ports.entropy.as_ref())?, now);
    let audit = entry(ports, Action::OrgCreated, None, &organization, origin, now)?;
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
    let organization = find(ports, id).await?;
    publish::catch_up(ports, &Subject::Org(organization.id.clone())).await;
    Ok(organization)
}

pub(super) async fn find(ports: &Ports, id: &str) -> Result<Organization, Failure> {
    let id = OrgId::parse(id).map_err(|_| Failure::NotFound)?;
    ports.ledger.find_org(&id).await?.ok_or(Failure::NotFound)
}

/// A page of organizations, newest first.
///
/// # Errors
/// [`Failure::ForeignCursor`] for a cursor that this list did not hand out.
pub async fn list(ports: &Ports, limit: u32, cursor: Option<&str>) -> Result<Page<Organization>, Failure> {
    let after = page::open(LIST, cursor)?;
    let orgs = ports.ledger.list_orgs(&OrgQuery { after, limit: limit + 1 }).await?;
    Ok(Page::cut(orgs, limit, LIST, |org| page::place(org.created_at, &org.id)))
}

/// Changes what a merge patch names.
///
/// # Errors
/// [`Failure::Invalid`] when the result is not allowed, and for lost races [`Failure::PreconditionFailed`] or
/// [`Failure::Conflict`].
pub async fn update(ports: &Ports, id: &str, patch: &Value, if_version: Option<&[u64]>, origin: Origin) -> Result<Changed, Failure> {
    change(ports, id, &Edit::Patch(patch), if_version, origin).await
}

/// Puts a whole document in place of name, features and policy: what it leaves out has its default again.
///
/// # Errors
/// As [`update`].
pub async fn replace(ports: &Ports, id: &str, document: &Value, if_version: Option<&[u64]>, origin: Origin) -> Result<Changed, Failure> {
    change(ports, id, &Edit::Whole(document), if_version, origin).await
}

/// What an organization is to become.
enum Edit<'a> {
    /// What it is, with this merged in.
    Patch(&'a Value),
    /// This.
    Whole(&'a Value),
}

async fn change(ports: &Ports, id: &str, edit: &Edit<'_>, if_version: Option<&[u64]>, origin: Origin) -> Result<Changed, Failure> {
    let before = find(ports, id).await?;
    if before.id.is_reserved() {
        return Err(Failure::PolicyForbids { operation: "changing the organization of service keys" });
    }
    // As for keys: a call that is repeated after 503 fails until the change is in force.
    let finished_at = publish::finish(ports, &Subject::Org(before.id.clone()), before.policy.consistency.lease_ms).await?;
    let in_force = async || match finished_at {
        Some(at) => Ok(Some(at)),
        None => publish::confirm_org(ports, &before).await,
    };
    if if_version.is_some_and(|versions| !versions.contains(&before.version)) {
        return in_force().await.and(Err(Failure::PreconditionFailed { version: before.version }));
    }
    let now = ports.clock.now();
    let draft = match edit {
        Edit::Patch(patch) => OrgDraft::read_patch(&before, patch),
        Edit::Whole(document) => OrgDraft::read(document),
    };
    let organization = draft.map_err(Failure::Invalid)?.apply(&before, now);
    if organization.version == before.version {
        return Ok(Changed { organization, in_force_at: in_force().await? });
    }
    let audit = entry(ports, Action::OrgUpdated, Some(&before), &organization, origin, now)?;
    match ports.ledger.update_org(&organization, before.version, &audit).await? {
        Written::LostRace => Err(Failure::lost_race(if_version, before.version)),
        Written::Done => {
            // Edges go by the older policy's leases until they hear of the newer.
            let lease_ms = |organization: &Organization| organization.policy.consistency.lease_ms;
            let coming = publish::publish_org(ports, &organization, lease_ms(&before).max(lease_ms(&organization))).await?;
            let in_force_at = if before.is_narrowed_by(&organization) { Some(coming.awaited(ports).await) } else { None };
            Ok(Changed { organization, in_force_at })
        }
    }
}

fn entry(
    ports: &Ports,
    action: Action,
    before: Option<&Organization>,
    after: &Organization,
    origin: Origin,
    now: Timestamp,
) -> Result<AuditEntry, Failure> {
    let id = AuditId::new(now, ports.entropy.as_ref())?;
    Ok(origin.entry(id, after.id.clone(), now, action, Target::org(after), changes::of_org(before, Some(after))))
}
