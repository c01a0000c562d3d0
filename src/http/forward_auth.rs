//! `ANY /v1/auth`: forward auth. The credential to check is the request's own.

use std::net::IpAddr;

use super::{
    call::Call, challenge::Challenge, problem::Problem, problem_catalog as catalog, query::Query, rate_fields, reply::Reply,
    verify::is_user_id,
};
use crate::{
    authn::credential::{self, Presented, Unreadable},
    base::{document::Faults, secret::Plaintext},
    decision::{
        facts::{Ask, RequestLine},
        verdict::Denial,
    },
    network::address,
    policy::scope::{Permission, Requirement},
    service::{
        authenticate,
        verify::{self, Decision, Known},
    },
};

/// As in the body of a verify.
const MAX_PERMISSIONS: usize = 100;

/// Answers 200 with the identity of the caller, or a problem that the proxy can pass on.
///
/// # Errors
/// The refusal, or that no decision can be reached.
pub async fn forward_auth(call: &Call<'_>) -> Result<Reply, Problem> {
    // Proxies hand on fields more easily than documents: each problem tells its code in one.
    judge(call).await.map_err(|problem| {
        let code = problem.code();
        problem.with("Latchkey-Code", code)
    })
}

async fn judge(call: &Call<'_>) -> Result<Reply, Problem> {
    let (ask, limited_as_403) = read_ask(call)?;
    let credential = read_credential(call)?;
    let ask = Ask { ip: client_address(call).await?, ..ask };
    let decision = verify::verify(call.ports, call.memory, credential.expose(), &ask).await?;
    match (&decision.outcome, &decision.known) {
        (Ok(()), Some(known)) => Ok(identity(&decision, known, &ask)),
        (Err(denial), _) => Err(refusal(&decision, denial, limited_as_403)),
        (Ok(()), None) => Err(Problem::new(&catalog::UNAVAILABLE, "no decision was reached")),
    }
}

fn read_ask(call: &Call<'_>) -> Result<(Ask, bool), Problem> {
    let mut faults = Faults::default();
    let mut query = Query::read(call.inbound.query());
    let mut needed = Vec::new();
    for text in query.all("permissions") {
        match Permission::parse(text) {
            Some(permission) => needed.push(Requirement::One(permission)),
            None => faults.value("/permissions", "must be a permission such as leads:read"),
        }
    }
    if needed.len() > MAX_PERMISSIONS {
        faults.value("/permissions", format!("must name at most {MAX_PERMISSIONS} permissions"));
    }
    let limited_as_403 = match query.one("limited", &mut faults).as_deref() {
        None => false,
        Some("403") => true,
        Some(_) => {
            faults.value("/limited", "must be 403");
            false
        }
    };
    query.close(&mut faults);
    let act_as = call.inbound.header("latchkey-act-as");
    if act_as.as_deref().is_some_and(|user| !is_user_id(user)) {
        faults.value("/Latchkey-Act-As", "must be 1 to 200 visible ASCII characters");
    }
    let ask = Ask { requirement: Requirement::All(needed), act_as, line: original_line(call), ..Ask::plain() };
    Ok(faults.conclude(Some((ask, limited_as_403)))?)
}

/// The request that is asked about, as the proxy tells it; it decides nothing, so whoever sends the fields is believed.
fn original_line(call: &Call<'_>) -> RequestLine {
    let told = |names: [&'static str; 2]| names.into_iter().find_map(|name| call.inbound.header(name));
    let method = told(["x-original-method", "x-forwarded-method"]);
    let target = told(["x-original-uri", "x-forwarded-uri"]);
    RequestLine::of(method.as_deref(), target.as_deref())
}

/// Where the request came from: what the platform says, or, before a proxy that proves itself by a service key, what the
/// proxy says. Anybody can write the proxy's fields: without the proof they do not count.
async fn client_address(call: &Call<'_>) -> Result<Option<IpAddr>, Problem> {
    let direct = call.client_ip();
    let Some(proof) = call.inbound.header("latchkey-service") else { return Ok(direct) };
    if !authenticate::is_trusted_proxy(call.ports, call.memory, &Plaintext::new(proof), call.ask()).await? {
        return Ok(direct);
    }
    let told = call.inbound.header("latchkey-client-ip").or_else(|| conventional(call, direct));
    // Behind a proxy the platform's address is the proxy's own: what the proxy tells unreadably is unknown, not that.
    Ok(told.and_then(|text| address::parse(text.trim()).ok()))
}

/// The address in the fields that proxies have always used. The platform writes `X-Real-IP` as well, over what a proxy
/// sent: where that only repeats who connected, it is not the proxy that speaks.
fn conventional(call: &Call<'_>, direct: Option<IpAddr>) -> Option<String> {
    let real = call.inbound.header("x-real-ip");
    if real.as_deref().is_some_and(|text| direct.is_none() || address::parse(text.trim()).ok() != direct) {
        return real;
    }
    // Each proxy adds the address that it saw at the end: only the last entry is of the one that proved itself.
    let last = call.inbound.header("x-forwarded-for").and_then(|entries| entries.rsplit(',').next().map(str::to_owned));
    last.or(real)
}

/// The one credential of the request.
fn read_credential(call: &Call<'_>) -> Result<Plaintext, Problem> {
    let api_key = call.inbound.header("x-api-key").filter(|key| call.config.accept_x_api_key && !key.trim().is_empty());
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
    match (credential::read(call.inbound.header("authorization").as_deref()), api_key) {
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

/// Every identity field, empty if need be: a proxy that copies fields would otherwise keep the client's own.
fn identity(decision: &Decision, known: &Known, ask: &Ask) -> Reply {
    let key = &known.key;
    let permissions: Vec<&str> = known.granted.iter().map(Permission::as_str).collect();
    let (actor_type, actor_id) = ask.act_as.as_deref().map_or(("key", key.id.as_str()), |user| ("user", user));
    let mut reply = Reply::empty(200)
        .with("Latchkey-Key-Id", key.id.as_str())
        .with("Latchkey-Key-Name", field_text(&key.name))
        .with("Latchkey-Org-Id", key.org_id.as_str())
        .with("Latchkey-Actor-Type", actor_type)
        .with("Latchkey-Actor-Id", actor_id)
        .with("Latchkey-Permissions", permissions.join(" "));
    reply.headers.extend(rate_fields::fields(decision));
    reply
}

/// nginx's `auth_request` passes on 401 and 403 only: a limit can be told as 403 with its code in a field.
fn refusal(decision: &Decision, denial: &Denial, limited_as_403: bool) -> Problem {
    let mut problem = Problem::from(denial);
    if let Some(known) = &decision.known {
        problem = problem.member("key_prefix", &known.key.prefix);
    }
    let problem = rate_fields::told_in(problem, decision);
    if limited_as_403 && denial.is_limit() { problem.under(403) } else { problem }
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
