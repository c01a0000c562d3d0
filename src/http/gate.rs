//! Who may enter a route of the control plane.

use super::{
    call::Call, challenge::Challenge, flood, problem::Problem, problem_catalog as catalog, rate_fields, same_origin, session_cookie,
};
use crate::{
    authn::{
        credential::{self, Presented, Unreadable},
        jwt::{self, TokenRefusal},
        member::MemberSettings,
        principal::{Access, Grant, Principal},
    },
    base::secret::Plaintext,
    decision::facts::Ask,
    policy::scope::Permission,
    ports::{Flood, Outage},
    service::{
        authenticate::{self, Authentication},
        failure::Failure,
        verify::Decision,
    },
};

/// The principal, if it may do what the route needs; `None` is what only the operator may.
///
/// # Errors
/// 401 with its challenge, 400 for several credentials, 403, 404 for what belongs to another organization, 429 for a
/// key whose rate is used up, or 503 while nobody can be proven.
pub async fn admit(call: &Call<'_>, needs: Option<Grant>) -> Result<Principal, Problem> {
    judge(call, needs, call.ask()).await
}

/// Whether the caller would be admitted, who will be asked once more when all of the request is here: nothing is counted.
///
/// # Errors
/// As [`admit`].
pub async fn glance(call: &Call<'_>, needs: Option<Grant>) -> Result<(), Problem> {
    judge(call, needs, Ask { peek: true, ..call.ask() }).await.map(drop)
}

async fn judge(call: &Call<'_>, needs: Option<Grant>, ask: Ask) -> Result<Principal, Problem> {
    let Some(credential) = read(call)? else {
        let said = "send a token in the Authorization field: Bearer, a space, the token";
        return Err(Problem::challenged(&catalog::UNAUTHENTICATED, &Challenge::NoCredential, said));
    };
    let principal = match authenticate(call, &credential, needs, ask).await? {
        Authentication::Authenticated(principal) => *principal,
        Authentication::Failed => return Err(failed(call, &credential, None).await),
        Authentication::Refused(refusal) => return Err(failed(call, &credential, Some(refusal)).await),
        Authentication::ElsewhereOnly => {
            return Err(Problem::new(&catalog::FORBIDDEN, "the key may not be used from this address, or the address is not known"));
        }
        Authentication::Limited(decision) => return Err(limited(&decision)),
    };
    // A browser adds these by itself, whoever made it send the request; a token it does not.
    match credential {
        Credential::Cookie(_) => same_origin::demand_of_changes(call)?,
        // Access puts it before whatever comes with its own cookie, and before calls of programs, which tell no origin.
        Credential::Assertion(_) => same_origin::refuse_foreign_pages(call)?,
        Credential::Token(_) | Credential::Garbled => {}
    }
    match principal.access(needs, call.named_org()) {
        Access::Granted => Ok(principal),
        Access::Forbidden => Err(forbidden(needs.and_then(|grant| principal.lacks(grant, call.named_org())))),
        // As for an organization that does not exist.
        Access::Unknown => Err(Failure::NotFound.into()),
    }
}

/// The credential that a request is judged by.
enum Credential {
    /// From the `Authorization` field.
    Token(Plaintext),
    /// Something in the `Authorization` field that is no token.
    Garbled,
    /// A member token that Cloudflare Access put before the request.
    Assertion(Plaintext),
    /// Of a portal session.
    Cookie(Plaintext),
}

/// What the caller wrote into `Authorization` goes before what others added on the way, the browser last.
fn read(call: &Call<'_>) -> Result<Option<Credential>, Problem> {
    match credential::read(call.inbound.header("authorization").as_deref()) {
        Presented::Bearer(token) => Ok(Some(Credential::Token(token))),
        Presented::Unreadable(Unreadable::NotAToken) => Ok(Some(Credential::Garbled)),
        Presented::Unreadable(why @ Unreadable::SeveralCredentials) => {
            let said = why.to_string();
            Err(Problem::challenged(&catalog::MALFORMED_REQUEST, &Challenge::InvalidRequest(said.clone()), said))
        }
        Presented::Nothing | Presented::Unreadable(Unreadable::OtherScheme) => {
            let assertion = call.inbound.header("cf-access-jwt-assertion").filter(|_| members(call).is_ok_and(|members| members.is_some()));
            let cookie = || session_cookie::MEMBER.read(call.inbound.header("cookie").as_deref(), call.inbound.origin());
            Ok(assertion.map(|token| Credential::Assertion(Plaintext::new(token))).or_else(|| cookie().map(Credential::Cookie)))
        }
    }
}

async fn authenticate(call: &Call<'_>, credential: &Credential, needs: Option<Grant>, ask: Ask) -> Result<Authentication, Problem> {
    let token = match credential {
        Credential::Garbled => return Ok(Authentication::Failed),
        Credential::Assertion(token) => return by_member_token(call, token).await,
        Credential::Cookie(cookie) => return Ok(authenticate::by_cookie(call.ports, cookie).await?),
        Credential::Token(token) => token,
    };
    let operator = call.config.operator.as_ref().map_err(misconfigured)?;
    if operator.include(token) {
        return Ok(Authentication::Authenticated(Box::new(Principal::Operator)));
    }
    if jwt::looks_like(token.expose()) {
        return by_member_token(call, token).await;
    }
    Ok(authenticate::by_key(call.ports, call.memory, token, ask, needs).await?)
}

/// Where no identity provider is trusted, its tokens prove nobody.
async fn by_member_token(call: &Call<'_>, token: &Plaintext) -> Result<Authentication, Problem> {
    match members(call)? {
        Some(members) => Ok(authenticate::by_member_token(call.ports, call.memory, members, token).await?),
        None => Ok(Authentication::Failed),
    }
}

fn members<'a>(call: &Call<'a>) -> Result<Option<&'a MemberSettings>, Failure> {
    call.config.member.as_ref().map(Option::as_ref).map_err(misconfigured)
}

fn misconfigured(refusal: &impl std::fmt::Display) -> Failure {
    Failure::Unavailable(Outage::Configuration { cause: refusal.to_string() })
}

/// Whoever tries many credentials is soon told to wait, and fills no log; a good one is never refused for that.
async fn failed(call: &Call<'_>, credential: &Credential, refusal: Option<TokenRefusal>) -> Problem {
    let flood = flood::count(call, Flood::FailedCredentials, "too many credentials that are not good came from this address");
    if let Err(problem) = flood.await {
        return problem;
    }
    let said = match credential {
        Credential::Token(_) | Credential::Garbled | Credential::Assertion(_) => "the token is not good",
        Credential::Cookie(_) => "the portal session is over; open the portal by a new link",
    };
    let problem = Problem::challenged(&catalog::INVALID_TOKEN, &Challenge::InvalidToken(said.to_owned()), said);
    match refusal {
        Some(refusal) => problem.because(format!("a member token was refused: {refusal}")),
        None => problem,
    }
}

fn forbidden(missing: Option<Permission>) -> Problem {
    match missing {
        Some(missing) => {
            let said = format!("the credential does not permit this: it lacks {missing}");
            Problem::challenged(&catalog::FORBIDDEN, &Challenge::InsufficientScope(vec![missing]), said)
        }
        None => Problem::new(&catalog::FORBIDDEN, "the credential does not permit this"),
    }
}

fn limited(decision: &Decision) -> Problem {
    let problem = match &decision.outcome {
        Err(denial) if denial.is_limit() => Problem::from(denial),
        Ok(()) | Err(_) => Problem::new(&catalog::RATE_LIMITED, "the rate is used up"),
    };
    rate_fields::told_in(problem, decision)
}
