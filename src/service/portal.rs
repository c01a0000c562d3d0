//! Portal sessions: asking for a link, opening it once, being signed in, and all the ways out.

use serde_json::Value;

use super::{
    failure::Failure,
    orgs,
    page::{self, Page},
};
use crate::{
    audit::{
        changes,
        entry::{Action, AuditEntry, Origin, Target},
    },
    authn::portal::{self, PortalDraft, PortalSession, Status},
    base::{
        id::{AuditId, OrgId, PortalSessionId},
        secret::Plaintext,
        time::Timestamp,
    },
    policy::org::Organization,
    ports::{Ports, SessionQuery, Written},
};

/// How often a step that must not be refused for a race is tried again.
const MAX_RACES: u32 = 5;

/// How long a session stays in the list after it was over: a day.
const SHOWN_MS: i64 = 86_400_000;

/// How many sessions one run of the cron removes.
const PURGED_AT_ONCE: u32 = 500;

/// A new session and the only sight of its link's token.
pub struct Created {
    /// The session.
    pub session: PortalSession,
    /// The token of its link.
    pub link: Plaintext,
}

/// A session that was just opened, and the only sight of its cookie's token.
pub struct Opened {
    /// The session.
    pub session: PortalSession,
    /// The token of its cookie.
    pub cookie: Plaintext,
}

/// Somebody who is signed in, as of this request.
pub struct SignedIn {
    /// The session.
    pub session: PortalSession,
    /// Its organization, whose policy says what the role may do.
    pub organization: Organization,
}

/// A change of one session, as a caller asks for it.
pub struct Change<'a> {
    /// The outside.
    pub ports: &'a Ports,
    /// The organization, as its id was written.
    pub org: &'a str,
    /// The session, as its id was written.
    pub session: &'a str,
    /// The versions that the change is meant for; `None` is any.
    pub if_version: Option<&'a [u64]>,
    /// Who asks, and from where.
    pub origin: Origin,
}

/// Makes a session whose link is to be opened.
///
/// # Errors
/// [`Failure::Invalid`] for a bad body, [`Failure::NotFound`] without such an organization.
pub async fn create(ports: &Ports, org: &str, body: &Value, origin: Origin) -> Result<Created, Failure> {
    let organization = orgs::get(ports, org).await?;
    let draft = PortalDraft::read(body, &organization.policy.roles).map_err(Failure::Invalid)?;
    let (now, entropy) = (ports.clock.now(), ports.entropy.as_ref());
    let link = portal::new_link(entropy)?;
    let session = draft.into_session(PortalSessionId::new(now, entropy)?, organization.id, &link, origin.actor.clone(), now);
    let audit = entry(ports, Action::PortalSessionCreated, None, &session, origin, now)?;
    ports.sessions.create(&session, &audit).await?;
    Ok(Created { session, link })
}

/// Uses a link up and signs its member in; `None` for every link that cannot be opened, whatever the reason.
///
/// # Errors
/// An outage; then the link may have been used up.
pub async fn open(ports: &Ports, link: &str, origin: Origin) -> Result<Option<Opened>, Failure> {
    for _ in 0..MAX_RACES {
        let Some(before) = find_by_link(ports, link).await? else { return Ok(None) };
        let now = ports.clock.now();
        let cookie = portal::new_cookie(ports.entropy.as_ref())?;
        let Some(digest) = portal::cookie_digest(cookie.expose()) else { return Ok(None) };
        let Ok(session) = before.clone().open(digest, now) else { return Ok(None) };
        let origin = Origin { actor: session.actor(), ..origin.clone() };
        // Of two openings one finds the version that it read. The other reads again, and finds the link used.
        if commit(ports, &before, &session, Action::PortalSessionOpened, origin, now).await? == Written::Done {
            return Ok(Some(Opened { session, cookie }));
        }
    }
    Err(Failure::Conflict)
}

/// Whether a link could be opened now. Looking does not use it up.
///
/// # Errors
/// An outage.
pub async fn is_waiting(ports: &Ports, link: &str) -> Result<bool, Failure> {
    let found = find_by_link(ports, link).await?;
    Ok(found.is_some_and(|session| session.status(ports.clock.now()) == Status::Pending))
}

/// The organization that a link leads to, or led to, for how its pages may be shown.
///
/// # Errors
/// An outage.
pub async fn organization_of_link(ports: &Ports, link: &str) -> Result<Option<Organization>, Failure> {
    match find_by_link(ports, link).await? {
        Some(session) => Ok(ports.ledger.find_org(&session.org_id).await?),
        None => Ok(None),
    }
}

/// The organization of a session that may be over, for how its pages may be shown.
///
/// # Errors
/// An outage.
pub async fn organization_of_cookie(ports: &Ports, cookie: &Plaintext) -> Result<Option<Organization>, Failure> {
    let Some(digest) = portal::cookie_digest(cookie.expose()) else { return Ok(None) };
    match ports.sessions.find_by_cookie(&digest).await? {
        Some(session) => Ok(ports.ledger.find_org(&session.org_id).await?),
        None => Ok(None),
    }
}

async fn find_by_link(ports: &Ports, link: &str) -> Result<Option<PortalSession>, Failure> {
    let Some(digest) = portal::link_digest(link) else { return Ok(None) };
    Ok(ports.sessions.find_by_link(&digest).await?)
}

/// Who has that cookie, if its session is open. Session and policy are read from the truth on each request: what ended or
/// changed them holds at once.
///
/// # Errors
/// An outage.
pub async fn find_signed_in(ports: &Ports, cookie: &Plaintext) -> Result<Option<SignedIn>, Failure> {
    let Some(digest) = portal::cookie_digest(cookie.expose()) else { return Ok(None) };
    let found = ports.sessions.find_by_cookie(&digest).await?;
    let is_open = |session: &PortalSession| session.status(ports.clock.now()) == Status::Open && !session.is_operators();
    let Some(session) = found.filter(is_open) else { return Ok(None) };
    let organization = ports.ledger.find_org(&session.org_id).await?;
    Ok(organization.map(|organization| SignedIn { session, organization }))
}

/// Signs the operator in, whose token was good.
///
/// # Errors
/// An outage.
pub async fn sign_operator_in(ports: &Ports, origin: Origin) -> Result<Opened, Failure> {
    let (now, entropy) = (ports.clock.now(), ports.entropy.as_ref());
    // Nobody sees the link: the session is opened as it is made.
    let before = PortalSession::of_operator(PortalSessionId::new(now, entropy)?, &portal::new_link(entropy)?, now);
    let audit = entry(ports, Action::PortalSessionCreated, None, &before, origin.clone(), now)?;
    ports.sessions.create(&before, &audit).await?;
    let cookie = portal::new_cookie(entropy)?;
    let digest = portal::cookie_digest(cookie.expose()).ok_or(Failure::Conflict)?;
    let session = before.clone().open(digest, now)?;
    match commit(ports, &before, &session, Action::PortalSessionOpened, origin, now).await? {
        Written::Done => Ok(Opened { session, cookie }),
        Written::LostRace => Err(Failure::Conflict),
    }
}

/// The operator's session of that cookie, if it is open.
///
/// # Errors
/// An outage.
pub async fn find_operator(ports: &Ports, cookie: &Plaintext) -> Result<Option<PortalSession>, Failure> {
    let Some(digest) = portal::cookie_digest(cookie.expose()) else { return Ok(None) };
    let found = ports.sessions.find_by_cookie(&digest).await?;
    Ok(found.filter(|session| session.is_operators() && session.status(ports.clock.now()) == Status::Open))
}

/// Ends the member's own session. One that ended meanwhile stays ended.
///
/// # Errors
/// An outage, or a lost race five times over.
pub async fn sign_out(ports: &Ports, session: &PortalSession, origin: Origin) -> Result<(), Failure> {
    let origin = Origin { actor: session.actor(), ..origin };
    let (org, id) = (session.org_id.text(), session.id.text());
    end(&Change { ports, org: &org, session: &id, if_version: None, origin }).await
}

/// The session of that id.
///
/// # Errors
/// [`Failure::NotFound`] when the organization has no such session.
pub async fn get(ports: &Ports, org: &str, session: &str) -> Result<PortalSession, Failure> {
    let organization = orgs::get(ports, org).await?;
    find(ports, &organization.id, session).await
}

/// A page of the organization's sessions, newest first.
///
/// # Errors
/// [`Failure::NotFound`] without such an organization, [`Failure::ForeignCursor`] for another list's cursor.
pub async fn list(ports: &Ports, org: &str, mut query: SessionQuery, cursor: Option<&str>) -> Result<Page<PortalSession>, Failure> {
    let organization = orgs::get(ports, org).await?;
    let (list_name, limit) = (format!("portal_sessions\n{}\n{:?}", organization.id, query.user), query.limit);
    query.after = page::open(&list_name, cursor)?;
    query.limit += 1;
    let sessions = ports.sessions.list(&organization.id, &query).await?;
    Ok(Page::cut(sessions, limit, &list_name, |session| page::place(session.created_at, &session.id)))
}

/// Gives the session another role, from its next request on.
///
/// # Errors
/// [`Failure::Invalid`], [`Failure::SessionOver`], and for lost races [`Failure::PreconditionFailed`] or
/// [`Failure::Conflict`].
pub async fn update(change: &Change<'_>, body: &Value) -> Result<PortalSession, Failure> {
    let Change { ports, if_version, .. } = *change;
    let organization = orgs::get(ports, change.org).await?;
    let before = find(ports, &organization.id, change.session).await?;
    expect_version(if_version, &before)?;
    let role = portal::read_edit(body, &organization.policy.roles).map_err(Failure::Invalid)?;
    let now = ports.clock.now();
    let after = before.clone().with_role(role.unwrap_or_else(|| before.role.clone()), now)?;
    if after.version == before.version {
        return Ok(after);
    }
    match commit(ports, &before, &after, Action::PortalSessionUpdated, change.origin.clone(), now).await? {
        Written::Done => Ok(after),
        Written::LostRace => Err(Failure::lost_race(if_version, before.version)),
    }
}

/// Ends the session: its link and its cookie are good for nothing from now on. One that is over stays as it is. Whoever
/// ends a session means the session, not a version of it: a lost race is run again.
///
/// # Errors
/// [`Failure::NotFound`], [`Failure::PreconditionFailed`] when `if_version` names another version than it has.
pub async fn end(change: &Change<'_>) -> Result<(), Failure> {
    let ports = change.ports;
    let organization = OrgId::parse(change.org).map_err(|_| Failure::NotFound)?;
    for _ in 0..MAX_RACES {
        let before = find(ports, &organization, change.session).await?;
        let now = ports.clock.now();
        // A session that is over meets every condition (RFC 9110, section 13.1.1): repeating a call is safe.
        let Some(after) = before.clone().end(now) else { return Ok(()) };
        expect_version(change.if_version, &before)?;
        if commit(ports, &before, &after, Action::PortalSessionEnded, change.origin.clone(), now).await? == Written::Done {
            return Ok(());
        }
    }
    Err(Failure::Conflict)
}

/// Removes sessions that were over a day ago. Runs with the cron; running it at any time is safe.
///
/// # Errors
/// An outage.
pub async fn purge(ports: &Ports) -> Result<(), Failure> {
    Ok(ports.sessions.purge(ports.clock.now().plus_ms(-SHOWN_MS), PURGED_AT_ONCE).await?)
}

/// A session of another organization is not found: same answer, whether or not it exists.
async fn find(ports: &Ports, org: &OrgId, session: &str) -> Result<PortalSession, Failure> {
    let id = PortalSessionId::parse(session).map_err(|_| Failure::NotFound)?;
    ports.sessions.find(&id).await?.filter(|session| session.org_id == *org).ok_or(Failure::NotFound)
}

fn expect_version(if_version: Option<&[u64]>, session: &PortalSession) -> Result<(), Failure> {
    match if_version {
        Some(versions) if !versions.contains(&session.version) => Err(Failure::PreconditionFailed { version: session.version }),
        _ => Ok(()),
    }
}

async fn commit(
    ports: &Ports,
    before: &PortalSession,
    after: &PortalSession,
    action: Action,
    origin: Origin,
    now: Timestamp,
) -> Result<Written, Failure> {
    let audit = entry(ports, action, Some(before), after, origin, now)?;
    Ok(ports.sessions.update(after, before.version, &audit).await?)
}

fn entry(
    ports: &Ports,
    action: Action,
    before: Option<&PortalSession>,
    after: &PortalSession,
    origin: Origin,
    now: Timestamp,
) -> Result<AuditEntry, Failure> {
    let id = AuditId::new(now, ports.entropy.as_ref())?;
    let changes = changes::of_session(before.map(|session| session.view(now)).as_ref(), Some(&after.view(now)));
    Ok(origin.entry(id, after.org_id.clone(), now, action, Target::portal_session(after), changes))
}

#[cfg(test)]
#[path = "portal_tests.rs"]
mod tests;
