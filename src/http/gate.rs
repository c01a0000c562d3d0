//! Who may enter a route of the control plane.

use super::{call::Call, challenge::Challenge, problem::Problem, problem_catalog as catalog};
use crate::{
    authn::{
        credential::{self, Presented, Unreadable},
        principal::{Authentication, Grant, Principal},
    },
    ports::Outage,
    service::failure::Failure,
};

/// The principal, if it may do what the route needs.
///
/// # Errors
/// 401 with its challenge, 400 for several credentials, 403, or 503 while the deployment is not configured.
pub fn admit(call: &Call<'_>, grant: Grant) -> Result<Principal, Problem> {
    let token = match credential::read(call.inbound.header("authorization").as_deref()) {
        Presented::Unreadable(why @ Unreadable::SeveralCredentials) => {
            let said = why.to_string();
            return Err(Problem::challenged(&catalog::MALFORMED_REQUEST, &Challenge::InvalidRequest(said.clone()), said));
        }
        other => other,
    };
    match authenticate(call, &token)? {
        Authentication::NotAsked => {
            let said = "send a token in the Authorization field: Bearer, a space, the token";
            Err(Problem::challenged(&catalog::UNAUTHENTICATED, &Challenge::NoCredential, said))
        }
        Authentication::Failed => {
            let said = "the token is not good";
            Err(Problem::challenged(&catalog::INVALID_TOKEN, &Challenge::InvalidToken(said.to_owned()), said))
        }
        Authentication::Authenticated(principal) if principal.may(grant) => Ok(principal),
        Authentication::Authenticated(_) => Err(Problem::new(&catalog::FORBIDDEN, "the credential does not permit this")),
    }
}

fn authenticate(call: &Call<'_>, presented: &Presented) -> Result<Authentication, Problem> {
    let token = match presented {
        Presented::Nothing | Presented::Unreadable(Unreadable::OtherScheme) => return Ok(Authentication::NotAsked),
        Presented::Unreadable(_) => return Ok(Authentication::Failed),
        Presented::Bearer(token) => token,
    };
    let operator =
        call.config.operator.as_ref().map_err(|refusal| Failure::Unavailable(Outage::Configuration { cause: refusal.to_string() }))?;
    Ok(if operator.include(token) { Authentication::Authenticated(Principal::Operator) } else { Authentication::Failed })
}
