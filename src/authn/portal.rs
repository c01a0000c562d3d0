//! A portal session: a person of an organization who came in by a link that a backend asked for.
//!
//! In scope: the record, its states and the steps between them, reading the bodies that make and change it, the view.
//! Out of scope: what the role may do, which is the policy's; how link and cookie travel.

use serde::Serialize;
use serde_json::Value;

use crate::{
    base::{
        actor::{Actor, ActorType},
        chance::{Entropy, NoEntropy},
        document::{Fault, Faults, Field},
        id::{OrgId, PortalSessionId},
        secret::Plaintext,
        time::Timestamp,
    },
    policy::{name, role::Roles},
    token::{base62, digest::Digest, format::contains_key},
};

/// How long a link may wait to be opened. Its session may last longer; a link that lies about must not.
const LINK_LIFE_MS: i64 = 600_000;

/// 22 digits of base 62 are 131 random bits: the contract asks for 128.
const LINK_DIGITS: usize = 22;

/// 43 digits of base 62 are 256 random bits.
const COOKIE_DIGITS: usize = 43;

const TTL_SECONDS: std::ops::RangeInclusive<u64> = 1..=86_400;
const DEFAULT_TTL_SECONDS: u64 = 3600;
/// How long the operator is signed in: half an hour. Whoever has that session may do everything.
const OPERATOR_TTL_MS: i64 = 1_800_000;
const MAX_USER_ID_CHARS: usize = 200;

/// A person, in the words of the backend that vouches for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// Their id.
    pub id: String,
    /// What people call them.
    pub name: String,
}

/// A session as it is stored. Of link and cookie there are digests only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortalSession {
    /// Its id.
    pub id: PortalSessionId,
    /// In which organization.
    pub org_id: OrgId,
    /// Who, in the words of the backend.
    pub user: User,
    /// A role of the organization's policy, as long as the policy has it.
    pub role: String,
    /// The digest of the link's token.
    pub link: Digest,
    /// The digest of the cookie's token, once the link was opened.
    pub cookie: Option<Digest>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Who asked for it.
    pub created_by: Actor,
    /// When the link was opened.
    pub opened_at: Option<Timestamp>,
    /// When the session is over, if nobody ends it before. Exclusive.
    pub expires_at: Timestamp,
    /// When somebody ended it.
    pub ended_at: Option<Timestamp>,
    /// Grows by one with every change.
    pub version: u64,
}

/// Where a session stands at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Its link waits to be opened.
    Pending,
    /// Somebody is signed in.
    Open,
    /// Its member signed out, or a backend ended it.
    Ended,
    /// Its time is over, or that of a link that nobody opened.
    Expired,
}

/// The session is over; nothing can be done with it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session is over; only one that is pending or open can be changed")]
pub struct SessionOver;

impl PortalSession {
    /// Where it stands.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Status {
        match (self.ended_at, self.opened_at) {
            (Some(_), _) => Status::Ended,
            _ if now >= self.over_at() => Status::Expired,
            (None, Some(_)) => Status::Open,
            (None, None) => Status::Pending,
        }
    }

    /// Until when the link can be opened. Exclusive.
    #[must_use]
    pub fn link_expires_at(&self) -> Timestamp {
        self.created_at.plus_ms(LINK_LIFE_MS).min(self.expires_at)
    }

    /// From when on it is over, whatever happens.
    #[must_use]
    pub fn over_at(&self) -> Timestamp {
        match (self.ended_at, self.opened_at) {
            (Some(ended_at), _) => ended_at,
            (None, Some(_)) => self.expires_at,
            (None, None) => self.link_expires_at(),
        }
    }

    /// The operator's, who signed in with the operator token: in the organization that is nobody's, and without a role.
    #[must_use]
    pub fn of_operator(id: PortalSessionId, link: &Plaintext, now: Timestamp) -> Self {
        let Actor { id: user_id, name, .. } = Actor::operator();
        let draft = PortalDraft { user: User { id: user_id, name }, role: String::new(), ttl_ms: OPERATOR_TTL_MS };
        draft.into_session(id, OrgId::reserved(), link, Actor::operator(), now)
    }

    /// Whether it is the operator's. No policy has a role without a name, so no other session is.
    #[must_use]
    pub fn is_operators(&self) -> bool {
        self.org_id.is_reserved() && self.role.is_empty()
    }

    /// The member, or the operator, as recorded for what they do.
    #[must_use]
    pub fn actor(&self) -> Actor {
        if self.is_operators() {
            return Actor::operator();
        }
        Actor { kind: ActorType::Member, id: self.user.id.clone(), name: self.user.name.clone() }
    }

    /// The link is used up, and whoever used it signed in.
    ///
    /// # Errors
    /// [`SessionOver`] when the link was used before, or its time or the session is over.
    pub fn open(self, cookie: Digest, now: Timestamp) -> Result<Self, SessionOver> {
        match self.status(now) {
            Status::Pending => Ok(Self { cookie: Some(cookie), opened_at: Some(now), version: self.version + 1, ..self }),
            Status::Open | Status::Ended | Status::Expired => Err(SessionOver),
        }
    }

    /// The session, ended; `None` when it was over before.
    #[must_use]
    pub fn end(self, now: Timestamp) -> Option<Self> {
        self.is_over(now).is_ok().then(|| Self { ended_at: Some(now), version: self.version + 1, ..self })
    }

    /// The session with another role; the same version if it has that role.
    ///
    /// # Errors
    /// [`SessionOver`].
    pub fn with_role(self, role: String, now: Timestamp) -> Result<Self, SessionOver> {
        self.is_over(now)?;
        Ok(if role == self.role { self } else { Self { role, version: self.version + 1, ..self } })
    }

    fn is_over(&self, now: Timestamp) -> Result<(), SessionOver> {
        match self.status(now) {
            Status::Pending | Status::Open => Ok(()),
            Status::Ended | Status::Expired => Err(SessionOver),
        }
    }

    /// The session as the API shows it at `now`.
    #[must_use]
    pub fn view(&self, now: Timestamp) -> PortalSessionView<'_> {
        PortalSessionView {
            id: &self.id,
            org_id: &self.org_id,
            user: &self.user,
            role: &self.role,
            status: self.status(now),
            created_at: self.created_at,
            created_by: &self.created_by,
            opened_at: self.opened_at,
            expires_at: self.expires_at,
            ended_at: self.ended_at,
            version: self.version,
        }
    }
}

/// A session as the API shows it: everything but its digests.
#[derive(Debug, Serialize)]
pub struct PortalSessionView<'a> {
    id: &'a PortalSessionId,
    org_id: &'a OrgId,
    user: &'a User,
    role: &'a str,
    status: Status,
    created_at: Timestamp,
    created_by: &'a Actor,
    opened_at: Option<Timestamp>,
    expires_at: Timestamp,
    ended_at: Option<Timestamp>,
    version: u64,
}

/// The body of a creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortalDraft {
    user: User,
    role: String,
    ttl_ms: i64,
}

impl PortalDraft {
    /// Reads `{"user": {"id", "name"?}, "role", "ttl_seconds"?}`.
    ///
    /// # Errors
    /// Every bad field.
    pub fn read(body: &Value, roles: &Roles) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::default();
        let draft = Self::read_members(body, roles, &mut faults);
        faults.conclude(draft)
    }

    fn read_members(body: &Value, roles: &Roles, faults: &mut Faults) -> Option<Self> {
        let mut members = Field::new(body, "").object(faults)?;
        let user = members.required("user", faults).and_then(|field| read_user(&field, faults));
        let role = members.required("role", faults).and_then(|field| read_role(&field, roles, faults));
        let ttl = members.optional("ttl_seconds").map_or(Some(DEFAULT_TTL_SECONDS), |field| field.integer(TTL_SECONDS, faults));
        members.close(faults);
        Some(Self { user: user?, role: role?, ttl_ms: i64::try_from(ttl?).ok()? * 1000 })
    }

    /// The session that this draft makes, with its link still to be opened.
    #[must_use]
    pub fn into_session(self, id: PortalSessionId, org_id: OrgId, link: &Plaintext, created_by: Actor, now: Timestamp) -> PortalSession {
        PortalSession {
            id,
            org_id,
            user: self.user,
            role: self.role,
            link: Digest::of(link.expose()),
            cookie: None,
            created_at: now,
            created_by,
            opened_at: None,
            expires_at: now.plus_ms(self.ttl_ms),
            ended_at: None,
            version: 1,
        }
    }
}

/// Reads `{"role"?}` of a change: the new role, if it names one.
///
/// # Errors
/// Every bad field.
pub fn read_edit(body: &Value, roles: &Roles) -> Result<Option<String>, Vec<Fault>> {
    let mut faults = Faults::default();
    let edit = Field::new(body, "").object(&mut faults).map(|mut members| {
        let role = members.optional("role").and_then(|field| read_role(&field, roles, &mut faults));
        members.close(&mut faults);
        role
    });
    faults.conclude(edit)
}

fn read_user(field: &Field<'_>, faults: &mut Faults) -> Option<User> {
    let mut members = field.object(faults)?;
    let id = members.required("id", faults).and_then(|field| read_user_id(&field, faults));
    let name = members.optional("name").map(|field| name::read(&field, faults));
    members.close(faults);
    let id = id?;
    Some(User { name: name.unwrap_or_else(|| Some(id.clone()))?, id })
}

fn read_user_id(field: &Field<'_>, faults: &mut Faults) -> Option<String> {
    let id = field.text(faults)?;
    let problem = match id.len() {
        0 => "must not be empty",
        length if length > MAX_USER_ID_CHARS => "must be at most 200 characters",
        _ if !id.bytes().all(|byte| byte.is_ascii_graphic()) => "must consist of visible ASCII characters",
        _ if contains_key(id) => "must not contain a key: ids of users are shown and logged",
        _ => return Some(id.to_owned()),
    };
    faults.value(&field.pointer, problem);
    None
}

fn read_role(field: &Field<'_>, roles: &Roles, faults: &mut Faults) -> Option<String> {
    let role = field.text(faults)?;
    if roles.has(role) {
        return Some(role.to_owned());
    }
    let names: Vec<&str> = roles.names().collect();
    let known = if names.is_empty() { "it has none".to_owned() } else { names.join(", ") };
    faults.value(&field.pointer, format!("must be a role of the organization's policy: {known}"));
    None
}

/// A fresh token for a link.
///
/// # Errors
/// [`NoEntropy`] when the random generator fails.
pub fn new_link(entropy: &dyn Entropy) -> Result<Plaintext, NoEntropy> {
    base62::random(LINK_DIGITS, entropy).map(Plaintext::new)
}

/// A fresh token for a cookie.
///
/// # Errors
/// [`NoEntropy`] when the random generator fails.
pub fn new_cookie(entropy: &dyn Entropy) -> Result<Plaintext, NoEntropy> {
    base62::random(COOKIE_DIGITS, entropy).map(Plaintext::new)
}

/// The digest of a link's token, if the text can be one: whatever cannot costs no look into storage.
#[must_use]
pub fn link_digest(text: &str) -> Option<Digest> {
    digest_of(text, LINK_DIGITS)
}

/// The digest of a cookie's token, if the text can be one.
#[must_use]
pub fn cookie_digest(text: &str) -> Option<Digest> {
    digest_of(text, COOKIE_DIGITS)
}

fn digest_of(text: &str, digits: usize) -> Option<Digest> {
    (text.len() == digits && base62::is_base62(text)).then(|| Digest::of(text))
}

#[cfg(test)]
#[path = "portal_tests.rs"]
mod tests;
