//! Requests that carry a key of their own: the key, whom it stands for, and what is answered if it is not good.

use super::{call::Call, challenge::Challenge, problem::Problem, problem_catalog as catalog, rate_fields, verify::is_user_id};
use crate::{
    authn::credential::{self, Presented, Unreadable},
    base::{document::Faults, secret::Plaintext},
    decision::{facts::Ask, verdict::Denial},
    policy::scope::Permission,
    service::verify::{Decision, Known},
};

/// The one credential of a request with that `Authorization`.
///
/// # Errors
/// None, several, or something that is no credential.
pub fn read(call: &Call<'_>, authorization: Option<&str>) -> Result<Plaintext, Problem> {
    let api_key = api_key(call);
    let unreadable = |why: Unreadable| {
        let said = why.to_string();
        match why {
            Unreadable::SeveralCredentials => {
                Problem::challenged(&catalog::MALFORMED_REQUEST, &Challenge::InvalidRequest(said.clone()), said)
            }
            Unreadable::OtherScheme => Problem::challenged(&catalog::UNAUTHENTICATED, &Challenge::NoCredential, said),
            Unreadable::NotAToken => Problem::challenged(&catalog::MALFORMED, &Challenge::InvalidToken(said.clone()), said),
        }
    };
    match (credential::read(authorization), api_key) {
        (Presented::Nothing, None) => {
            let said = "send the key in the Authorization field: Bearer, a space, the key";
            Err(Problem::challenged(&catalog::UNAUTHENTICATED, &Challenge::NoCredential, said))
        }
        // Two fields reach a worker as one, joined by this; no key has it.
        (Presented::Nothing, Some(keys)) if keys.contains(", ") => Err(unreadable(Unreadable::SeveralCredentials)),
        (Presented::Nothing, Some(key)) => Ok(Plaintext::new(key)),
        (Presented::Bearer(key), None) => Ok(key),
        (Presented::Unreadable(why), None) => Err(unreadable(why)),
        (Presented::Bearer(_) | Presented::Unreadable(_), Some(_)) => Err(unreadable(Unreadable::SeveralCredentials)),
    }
}

/// Whether the request carries anything that could be meant as a credential.
#[must_use]
pub fn presents_any(call: &Call<'_>, authorization: Option<&str>) -> bool {
    !matches!(credential::read(authorization), Presented::Nothing) || api_key(call).is_some()
}

fn api_key(call: &Call<'_>) -> Option<String> {
    call.config.accept_x_api_key.then(|| call.inbound.header("x-api-key")).flatten().filter(|key| !key.trim().is_empty())
}

/// Every identity field, empty if need be: whoever copies fields would otherwise keep the client's own.
#[must_use]
pub fn identity(known: &Known, ask: &Ask) -> [(&'static str, String); 6] {
    let key = &known.key;
    let permissions: Vec<&str> = known.granted.iter().map(Permission::as_str).collect();
    let id = key.id.text();
    let (actor_type, actor_id) = ask.act_as.as_deref().map_or(("key", id.as_str()), |user| ("user", user));
    [
        ("Latchkey-Key-Id", id.as_str().to_owned()),
        ("Latchkey-Key-Name", field_text(&key.name)),
        ("Latchkey-Org-Id", key.org_id.to_string()),
        ("Latchkey-Actor-Type", actor_type.to_owned()),
        ("Latchkey-Actor-Id", actor_id.to_owned()),
        ("Latchkey-Permissions", permissions.join(" ")),
    ]
}

/// The problem with its code in a field, too: proxies hand on fields more easily than documents.
#[must_use]
pub fn named(problem: Problem) -> Problem {
    let code = problem.code();
    problem.with("Latchkey-Code", code)
}

/// The key, if it may.
///
/// # Errors
/// The refusal.
pub fn admitted(decision: &Decision) -> Result<&Known, Problem> {
    match (&decision.outcome, &decision.known) {
        (Ok(()), Some(known)) => Ok(known),
        (Err(denial), _) => Err(refusal(decision, denial)),
        (Ok(()), None) => Err(Problem::new(&catalog::UNAVAILABLE, "no decision was reached")),
    }
}

/// Names the user in `Latchkey-Act-As` as a fault if there can be no such user.
pub fn check_user(act_as: Option<&str>, faults: &mut Faults) {
    if act_as.is_some_and(|user| !is_user_id(user)) {
        faults.value("/Latchkey-Act-As", "must be 1 to 200 visible ASCII characters");
    }
}

/// The refusal, with what is known of the key.
#[must_use]
pub fn refusal(decision: &Decision, denial: &Denial) -> Problem {
    let mut problem = Problem::from(denial);
    if let Some(known) = &decision.known {
        problem = problem.member("key_prefix", known.key.prefix());
    }
    rate_fields::told_in(problem, decision)
}

/// A name as a field value: percent-encoded UTF-8 where it is not visible ASCII or a space between such.
fn field_text(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'%' => value.push_str("%25"),
            b' '..=b'~' => value.push(char::from(byte)),
            _ => value.push_str(&format!("%{byte:02X}")),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_the_trip_through_a_field() {
        assert_eq!(field_text("Zapier production"), "Zapier production");
        assert_eq!(field_text("é 100%"), "%C3%A9 100%25");
    }
}
