//! Members: who the platform's identity provider vouches for, and what its tokens say of them.

use serde_json::Value;

use super::jwt::{Claims, Place, TokenRefusal};
use crate::{
    base::id::{Id, Kind, OrgId, OrgKind},
    token::format::contains_key,
};

const MAX_USER_BYTES: usize = 200;
const MAX_ROLE_CHARS: usize = 100;
const MAX_NAME_CHARS: usize = 100;

/// What the deployment is told of its identity provider. There are no defaults for who is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberSettings {
    /// The issuer, exactly as its tokens name it (`MEMBER_ISSUER`).
    pub issuer: String,
    /// The audience that tokens must be for (`MEMBER_AUDIENCE`).
    pub audience: String,
    /// Where the provider publishes its keys (`MEMBER_JWKS_URL`).
    pub jwks_url: String,
    /// Where the claims about the member stand.
    pub places: Places,
}

/// Where the claims about the member stand: a member's name, or a JSON Pointer if it begins with a slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The organization's id (`MEMBER_ORG_CLAIM`; `org_id`).
    pub org: Place,
    /// The role (`MEMBER_ROLE_CLAIM`; `role`).
    pub role: Place,
    /// The user's id (`MEMBER_USER_CLAIM`; `sub`).
    pub user: Place,
    /// The user's name (`MEMBER_NAME_CLAIM`; `name`).
    pub name: Place,
}

/// The settings cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the sentence of each variant names its field")]
pub enum BadMemberSetting {
    /// Some of what belongs together.
    #[error("{variable} is not set: member tokens need MEMBER_ISSUER, MEMBER_AUDIENCE and MEMBER_JWKS_URL")]
    Missing { variable: &'static str },
    /// Keys that anybody on the way could replace.
    #[error("MEMBER_JWKS_URL must be an https URL without user or fragment (http only for localhost, 127.0.0.1 and [::1])")]
    JwksUrl,
    /// A slash in front and no pointer.
    #[error("{variable} begins with a slash and is not a JSON Pointer: in one, ~ stands only in ~0 and ~1")]
    Pointer { variable: &'static str },
}

impl MemberSettings {
    /// Reads the settings; `variable` gives a variable's text, and a blank one counts as not set. `None`: member tokens are
    /// off.
    ///
    /// # Errors
    /// [`BadMemberSetting`] when only some are set, or one cannot be read.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, BadMemberSetting> {
        let text = |name: &str| variable(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let names = ["MEMBER_ISSUER", "MEMBER_AUDIENCE", "MEMBER_JWKS_URL"];
        let (issuer, audience, jwks_url) = match names.map(text) {
            [None, None, None] => return Ok(None),
            [Some(issuer), Some(audience), Some(jwks_url)] => (issuer, audience, jwks_url),
            some => {
                let missing = names.into_iter().zip(some).find(|(_, text)| text.is_none());
                return Err(BadMemberSetting::Missing { variable: missing.map_or("", |(name, _)| name) });
            }
        };
        if !may_hold_keys(&jwks_url) {
            return Err(BadMemberSetting::JwksUrl);
        }
        let place = |variable: &'static str, usual: &str| {
            Place::parse(text(variable).as_deref().unwrap_or(usual)).ok_or(BadMemberSetting::Pointer { variable })
        };
        let places = Places {
            org: place("MEMBER_ORG_CLAIM", "org_id")?,
            role: place("MEMBER_ROLE_CLAIM", "role")?,
            user: place("MEMBER_USER_CLAIM", "sub")?,
            name: place("MEMBER_NAME_CLAIM", "name")?,
        };
        Ok(Some(Self { issuer, audience, jwks_url, places }))
    }
}

/// Whether keys from that URL can be relied on: nobody can change them on the way.
fn may_hold_keys(url: &str) -> bool {
    // A backslash is a slash to some readers and none to others; a fragment is never sent.
    if url.bytes().any(|byte| !byte.is_ascii_graphic() || matches!(byte, b'\\' | b'#')) {
        return false;
    }
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            if port.parse::<u16>().is_err() {
                return false;
            }
            host
        }
        _ => authority,
    };
    match scheme {
        _ if host.is_empty() || host.contains('@') => false,
        "https" => true,
        "http" => ["localhost", "127.0.0.1", "[::1]"].contains(&host),
        _ => false,
    }
}

/// A member, as the token of the platform's identity provider describes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberClaims {
    /// The organization that they belong to; never `org_system`.
    pub org: OrgId,
    /// Their role, as the provider names it: 1 to 100 characters.
    pub role: String,
    /// Their id: 1 to 200 visible ASCII characters.
    pub user: String,
    /// Their name, or else their id: 1 to 200 characters, none of them a control character.
    pub name: String,
}

impl MemberClaims {
    /// What a good token says of the member.
    ///
    /// # Errors
    /// [`TokenRefusal::Claim`] when one is missing, of the wrong type, or not acceptable.
    pub fn of(claims: &Claims, places: &Places) -> Result<Self, TokenRefusal> {
        let text = |place: &Place| claims.get(place).and_then(Value::as_str);
        let refused = |claim: &'static str| TokenRefusal::Claim { claim };
        let org = text(&places.org).and_then(organization).ok_or_else(|| refused("the organization"))?;
        let role = text(&places.role).filter(|role| is_role(role)).ok_or_else(|| refused("the role"))?;
        let user = text(&places.user).filter(|user| is_user(user)).ok_or_else(|| refused("the user"))?;
        let name = match claims.get(&places.name) {
            None => None,
            Some(Value::String(name)) => shown(name),
            Some(_) => return Err(refused("the name")),
        };
        Ok(Self { org, role: role.to_owned(), user: user.to_owned(), name: name.unwrap_or_else(|| user.to_owned()) })
    }
}

/// An organization that has members. The reserved ones are the deployment's own.
fn organization(text: &str) -> Option<OrgId> {
    let reserved = text.split_once('_').is_some_and(|(_, name)| OrgKind::RESERVED == Some(name));
    Id::parse(text).ok().filter(|_| !reserved)
}

fn is_role(role: &str) -> bool {
    (1..=MAX_ROLE_CHARS).contains(&role.chars().count()) && !role.chars().any(char::is_control)
}

/// Ids are recorded and shown, so a key must not be one.
fn is_user(user: &str) -> bool {
    (1..=MAX_USER_BYTES).contains(&user.len()) && user.bytes().all(|byte| byte.is_ascii_graphic()) && !contains_key(user)
}

/// A name fit to be shown. People do not choose what a provider makes of theirs, so it is mended and not refused: without
/// control characters, cut, and `None` if nothing is left or it holds a key.
fn shown(name: &str) -> Option<String> {
    let printable: String = name.chars().filter(|char| !char.is_control()).collect();
    let cut: String = printable.trim().chars().take(MAX_NAME_CHARS).collect();
    let cut = cut.trim_end();
    (!cut.is_empty() && !contains_key(&printable)).then(|| cut.to_owned())
}

#[cfg(test)]
#[path = "member_tests.rs"]
mod tests;
