//! Who may enter a route of the control plane.

use super::{call::Call, challenge::Challenge, problem::Problem, problem_catalog as catalog, rate_fields, same_origin, session_cookie};
use crate::{
    authn::{
        credential::{self, Presented, Unreadable},
        principal::{Access, Grant, Principal},
    },
    base::secret::Plaintext,
    ports::Outage,
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
    let credential = read(call)?;
    let principal = match authenticate(call, &credential, needs).await? {
        Authentication::Authenticated(principal) => *principal,
        Authentication::Failed => return Err(failed(&credential)),
        Authentication::ElsewhereOnly => {
            return Err(Problem::new(&catalog::FORBIDDEN, "the key may not be used from this address, or the address is not known"));
        }
        Authentication::Limited(decision) => return Err(limited(&decision)),
    };
    // A browser sends the cookie by itself, whoever made it send the request; a token it does not.
    if matches!(credential, Credential::Cookie(_)) {
        same_origin::demand_of_changes(call)?;
    }
    match principal.access(needs, call.named_org()) {
        Access::Granted => Ok(principal),
        Access::Forbidden => Err(forbidden(&principal, needs)),
        // As for an organization that does not exist.
        Access::Unknown => Err(Failure::NotFound.into()),
    }
}

/// The one credential that a request is judged by: what a caller wrote into it goes before what a browser added.
enum Credential {
    /// From the `Authorization` field.
    Token(Plaintext),
    /// Of a portal session.
    Cookie(Plaintext),
}

fn read(call: &Call<'_>) -> Result<Credential, Problem> {
    match credential::read(call.inbound.header("authorization").as_deref()) {
        Presented::Bearer(token) => Ok(Credential::Token(token)),
        Presented::Nothing | Presented::Unreadable(Unreadable::OtherScheme) => {
            let said = "send a token in the Authorization field: Bearer, a space, the token";
            let cookie = session_cookie::read(call.inbound.header("cookie").as_deref(), call.inbound.origin());
            cookie.map(Credential::Cookie).ok_or_else(|| Problem::challenged(&catalog::UNAUTHENTICATED, &Challenge::NoCredential, said))
        }
        Presented::Unreadable(Unreadable::NotAToken) => Err(not_good("the token is not good")),
        Presented::Unreadable(why @ Unreadable::SeveralCredentials) => {
            let said = why.to_string();
            Err(Problem::challenged(&catalog::MALFORMED_REQUEST, &Challenge::InvalidRequest(said.clone()), said))
        }
    }
}

async fn authenticate(call: &Call<'_>, credential: &Credential, needs: Option<Grant>) -> Result<Authentication, Problem> {
    let token = match credential {
        Credential::Cookie(cookie) => return Ok(authenticate::by_cookie(call.ports, cookie).await?),
        Credential::Token(token) => token,
    };
    let operator =
        call.config.operator.as_ref().map_err(|refusal| Failure::Unavailable(Outage::Configuration { cause: refusal.to_string() }))?;
    if operator.include(token) {
        return Ok(Authentication::Authenticated(Box::new(Principal::Operator)));
    }
    Ok(authenticate::by_key(call.ports, call.memory, token, call.client_ip(), needs).await?)
}

fn failed(credential: &Credential) -> Problem {
    match credential {
        Credential::Token(_) => not_good("the token is not good"),
        Credential::Cookie(_) => not_good("the portal session is over; open the portal by a new link"),
    }
}

fn not_good(said: &str) -> Problem {
    Problem::challenged(&catalog::INVALID_TOKEN, &Challenge::InvalidToken(said.to_owned()), said)
}

fn forbidden(principal: &Principal, needs: Option<Grant>) -> Problem {
    match needs.and_then(|grant| principal.lacks(grant)) {
        Some(missing) => {
            let said = format!("the credential does not permit this: it lacks {missing}");
            Problem::challenged(&catalog::FORBIDDEN, &Challenge::InsufficientScope(vec![missing]), said)
        }
        None => Problem::new(&catalog::FORBIDDEN, "the credential does not permit this"),
    }
}

fn limited(decision: &Decision) -> Problem {
    let mut problem = match &decision.outcome {
        Err(denial) if denial.is_limit() => Problem::from(denial),
        Ok(()) | Err(_) => Problem::new(&catalog::RATE_LIMITED, "the rate is used up"),
    };
    for (name, value) in rate_fields::fields(decision) {
        problem = problem.with(name, value);
    }
    match rate_fields::retry_after_seconds(decision) {
        Some(seconds) => problem.with("Retry-After", seconds.to_string()),
        None => problem,
    }
}
