//! Proving who calls the control plane.
//!
//! In scope: keys as credentials, and what an organization's policy gives its members. Out of scope: where a credential
//! stands in a request; what a route needs.

use super::{
    failure::Failure,
    member_tokens,
    memory::Memory,
    portal::{self, SignedIn},
    verify::{Decision, Freshness, verify},
};
use crate::{
    authn::{
        jwt::TokenRefusal,
        member::{MemberClaims, MemberSettings},
        principal::{Access, Grant, KeyHolder, Member, Principal},
    },
    base::{id::OrgId, secret::Plaintext},
    decision::{facts::Ask, verdict::Denial},
    policy::{org::Organization, scope::Requirement},
    ports::{Outage, Ports},
};

/// What came of a credential.
pub enum Authentication {
    /// It is good.
    Authenticated(Box<Principal>),
    /// It is not; what is wrong with it is not said.
    Failed,
    /// It is a member token that is not good; why is for whoever sets the identity provider up.
    Refused(TokenRefusal),
    /// It is a key's that may not be used from the caller's address.
    ElsewhereOnly,
    /// It is a key's whose rate is used up, or one of too many unknown ones.
    Limited(Box<Decision>),
}

/// Proves a key: a backend's, or one of an organization that manages its keys by it. A call of the control plane is a
/// use of the key like any other; it costs a token if the key permits it. Of `call` the address and the line count.
///
/// # Errors
/// [`Failure::FeatureDisabled`] for a key whose organization is switched off, [`Failure::Unavailable`] when no decision
/// can be reached.
pub async fn by_key(ports: &Ports, memory: &Memory, token: &Plaintext, call: Ask, needs: Option<Grant>) -> Result<Authentication, Failure> {
    let sufficient = needs.iter().flat_map(|grant| [Some(grant.of_service()), grant.of_own_key()]).flatten();
    let requirement = Requirement::Any(sufficient.map(Requirement::One).collect());
    // What only the operator may do, no key permits: then it is only looked at.
    let ask = Ask { requirement, peek: call.peek || needs.is_none(), ..call };
    let decision = verify(ports, memory, token.expose(), &ask).await?;
    // Where the policy lets keys be used unconfirmed, it does not let them manage.
    if decision.freshness == Freshness::Unconfirmed {
        return Err(Outage::Guard { cause: "nobody vouches for the key that calls".to_owned() }.into());
    }
    let denial = match &decision.outcome {
        // Whether it permits what is asked is the route's question.
        Ok(()) | Err(Denial::InsufficientPermissions { .. }) => None,
        Err(denial) => Some(denial),
    };
    Ok(match denial {
        None => decision.known.map_or(Authentication::Failed, |known| {
            Authentication::Authenticated(Box::new(Principal::of_key(KeyHolder { key: known.key, granted: known.granted })))
        }),
        Some(Denial::OrgDisabled) => return Err(Failure::FeatureDisabled),
        Some(Denial::IpNotAllowed) => Authentication::ElsewhereOnly,
        Some(Denial::RateLimited { .. } | Denial::TooManyUnknown { .. }) => Authentication::Limited(Box::new(decision)),
        Some(
            Denial::Malformed(_)
            | Denial::NotFound
            | Denial::Revoked
            | Denial::Expired
            | Denial::InsufficientPermissions { .. }
            | Denial::RouteNotMapped
            | Denial::ImpersonationNotAllowed,
        ) => Authentication::Failed,
    })
}

/// Proves a member token, and gives the person what their role gives them now.
///
/// # Errors
/// [`Failure::Unavailable`] when no key of the identity provider can be had, or the truth cannot be read.
pub async fn by_member_token(
    ports: &Ports,
    memory: &Memory,
    settings: &MemberSettings,
    token: &Plaintext,
) -> Result<Authentication, Failure> {
    match member_tokens::prove(ports, memory, settings, token.expose()).await? {
        Ok(MemberClaims { org, role, user, name }) => as_member(ports, org, role, user, name).await,
        Err(refusal) => Ok(Authentication::Refused(refusal)),
    }
}

/// A person who was proven, with what their organization's policy gives the role. It is read from the truth each time:
/// a change of roles is effective at once. Of an organization that is not here, nobody is a member.
///
/// # Errors
/// [`Failure::Unavailable`] when the truth cannot be read.
pub async fn as_member(ports: &Ports, org: OrgId, role: String, user_id: String, name: String) -> Result<Authentication, Failure> {
    match ports.ledger.find_org(&org).await? {
        Some(organization) => Ok(member_of(&organization, role, user_id, name)),
        None => Ok(Authentication::Refused(TokenRefusal::Claim { claim: "the organization" })),
    }
}

/// A member who is signed in to the portal with that cookie.
///
/// # Errors
/// [`Failure::Unavailable`] when the truth cannot be read.
pub async fn by_cookie(ports: &Ports, cookie: &Plaintext) -> Result<Authentication, Failure> {
    let Some(SignedIn { session, organization }) = portal::find_signed_in(ports, cookie).await? else { return Ok(Authentication::Failed) };
    Ok(member_of(&organization, session.role, session.user.id, session.user.name))
}

fn member_of(organization: &Organization, role: String, user_id: String, name: String) -> Authentication {
    let grants = Grant::of_role(&organization.policy.roles, &role);
    Authentication::Authenticated(Box::new(Principal::Member(Member { org: organization.id.clone(), user_id, name, role, grants })))
}

/// Whether the token is a service key whose holder may tell addresses: a proxy before forward auth.
///
/// # Errors
/// [`Failure::Unavailable`] when no decision can be reached.
pub async fn is_trusted_proxy(ports: &Ports, memory: &Memory, token: &Plaintext, call: Ask) -> Result<bool, Failure> {
    match by_key(ports, memory, token, call, Some(Grant::ForwardAuth)).await {
        Ok(Authentication::Authenticated(principal)) => Ok(principal.access(Some(Grant::ForwardAuth), None) == Access::Granted),
        Ok(Authentication::Failed | Authentication::Refused(_) | Authentication::ElsewhereOnly | Authentication::Limited(_))
        // The organization of service keys is never switched off: the key is another's.
        | Err(Failure::FeatureDisabled) => Ok(false),
        Err(failure) => Err(failure),
    }
}

#[cfg(test)]
#[path = "authenticate_tests.rs"]
mod tests;
