//! `ANY /v1/auth`: forward auth. The credential to check is the request's own.

use std::net::IpAddr;

use super::{
    call::Call,
    key_holder,
    problem::Problem,
    query::Query,
    rate_fields,
    reply::Reply,
    witness::{self, Sighting, Surface},
};
use crate::{
    base::{document::Faults, secret::Plaintext},
    decision::{
        facts::{Ask, RequestLine, Target},
        verdict::Denial,
    },
    network::address,
    policy::scope::{Permission, Requirement},
    service::{authenticate, verify},
};

/// As in the body of a verify.
const MAX_PERMISSIONS: usize = 100;

/// Answers 200 with the identity of the caller, or a problem that the proxy can pass on.
///
/// # Errors
/// The refusal, or that no decision can be reached.
pub async fn forward_auth(call: &Call<'_>) -> Result<Reply, Problem> {
    judge(call).await.map_err(key_holder::named)
}

async fn judge(call: &Call<'_>) -> Result<Reply, Problem> {
    let Sent { authorization, proof, ask } = Sent::read(call);
    let (ask, limited_as_403) = read_ask(call, ask)?;
    let key = key_holder::read(call, authorization.as_deref())?;
    let ask = Ask { ip: client_address(call, proof, ask.ip).await?, ..ask };
    let decision = verify::verify(call.ports, call.memory, key.expose(), &ask).await?;
    witness::tell(call, &Sighting { surface: Surface::ForwardAuth, index: None, credential: key.expose(), ask: &ask, decision: &decision });
    // nginx's `auth_request` passes on 401 and 403 only.
    let is_told_as_403 = limited_as_403 && decision.outcome.as_ref().is_err_and(Denial::is_limit);
    let refused = |problem: Problem| if is_told_as_403 { problem.under(403) } else { problem };
    let known = key_holder::admitted(&decision).map_err(refused)?;
    let mut reply = Reply::empty(200);
    reply.headers.extend(key_holder::identity(known, &ask));
    reply.headers.extend(rate_fields::fields(&decision));
    Ok(reply)
}

/// The fields that each question has or might have.
struct Sent {
    authorization: Option<String>,
    /// The service key of a proxy.
    proof: Option<String>,
    /// What is asked, as far as fields say it; the address is what the platform says.
    ask: Ask,
}

impl Sent {
    fn read(call: &Call<'_>) -> Self {
        let [authorization, act_as, proof, direct, original_method, forwarded_method, original_uri, forwarded_uri] = call.inbound.fields([
            "authorization",
            "latchkey-act-as",
            "latchkey-service",
            "cf-connecting-ip",
            "x-original-method",
            "x-forwarded-method",
            "x-original-uri",
            "x-forwarded-uri",
        ]);
        let (method, uri) =
            (original_method.as_deref().or(forwarded_method.as_deref()), original_uri.as_deref().or(forwarded_uri.as_deref()));
        let line = RequestLine::of(method, uri);
        let all = |one: Option<String>, other: Option<String>| [one, other].into_iter().flatten().collect::<Vec<_>>();
        let (methods, paths) = (all(original_method, forwarded_method), all(original_uri, forwarded_uri));
        let is_told = !methods.is_empty() || !paths.is_empty();
        let target = is_told.then_some(Target { methods, paths, is_free_without_routes: true });
        let ip = direct.and_then(|text| address::parse(&text).ok());
        Self { authorization, proof, ask: Ask { act_as, line, target, ip, ..Ask::plain() } }
    }
}

fn read_ask(call: &Call<'_>, sent: Ask) -> Result<(Ask, bool), Problem> {
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
    key_holder::check_user(sent.act_as.as_deref(), &mut faults);
    // What is asked for by name is all that is asked for.
    let target = sent.target.filter(|_| needed.is_empty());
    let ask = Ask { requirement: Requirement::All(needed), target, ..sent };
    Ok(faults.conclude(Some((ask, limited_as_403)))?)
}

/// Where the request came from: what the platform says, or, before a proxy that proves itself by a service key, what the
/// proxy says. Anybody can write the proxy's fields: without the proof they do not count.
async fn client_address(call: &Call<'_>, proof: Option<String>, direct: Option<IpAddr>) -> Result<Option<IpAddr>, Problem> {
    let Some(proof) = proof else { return Ok(direct) };
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
    let [real, forwarded] = call.inbound.fields(["x-real-ip", "x-forwarded-for"]);
    if real.as_deref().is_some_and(|text| direct.is_none() || address::parse(text.trim()).ok() != direct) {
        return real;
    }
    // Each proxy adds the address that it saw at the end: only the last entry is of the one that proved itself.
    let last = forwarded.and_then(|entries| entries.rsplit(',').next().map(str::to_owned));
    last.or(real)
}
