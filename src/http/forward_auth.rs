//! `ANY /v1/auth`: forward auth. The credential to check is the request's own.

use std::net::IpAddr;

use super::{
    call::Call, key_holder, problem::Problem, problem_catalog as catalog, query::Query, rate_fields, reply::Reply, verify::is_user_id,
};
use crate::{
    base::{document::Faults, secret::Plaintext},
    decision::facts::{Ask, RequestLine, Target},
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
    let sent = Sent::read(call);
    let (ask, limited_as_403) = read_ask(call, &sent)?;
    let key = key_holder::read(call, sent.authorization.as_deref())?;
    let ask = Ask { ip: client_address(call, sent).await?, ..ask };
    let decision = verify::verify(call.ports, call.memory, key.expose(), &ask).await?;
    match (&decision.outcome, &decision.known) {
        (Ok(()), Some(known)) => {
            let mut reply = Reply::empty(200);
            reply.headers.extend(key_holder::identity(known, &ask));
            reply.headers.extend(rate_fields::fields(&decision));
            Ok(reply)
        }
        (Err(denial), _) => {
            let problem = key_holder::refusal(&decision, denial);
            // nginx's `auth_request` passes on 401 and 403 only.
            Err(if limited_as_403 && denial.is_limit() { problem.under(403) } else { problem })
        }
        (Ok(()), None) => Err(Problem::new(&catalog::UNAVAILABLE, "no decision was reached")),
    }
}

/// The fields that each question has or might have.
struct Sent {
    authorization: Option<String>,
    act_as: Option<String>,
    line: RequestLine,
    target: Option<Target>,
    /// The service key of a proxy.
    proof: Option<String>,
    /// What the platform says where the request came from.
    direct: Option<IpAddr>,
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
        Self { authorization, act_as, line, target, proof, direct: direct.and_then(|text| address::parse(&text).ok()) }
    }
}

fn read_ask(call: &Call<'_>, sent: &Sent) -> Result<(Ask, bool), Problem> {
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
    if sent.act_as.as_deref().is_some_and(|user| !is_user_id(user)) {
        faults.value("/Latchkey-Act-As", "must be 1 to 200 visible ASCII characters");
    }
    // What is asked for by name is all that is asked for.
    let target = sent.target.clone().filter(|_| needed.is_empty());
    let ask = Ask { requirement: Requirement::All(needed), target, act_as: sent.act_as.clone(), line: sent.line.clone(), ..Ask::plain() };
    Ok(faults.conclude(Some((ask, limited_as_403)))?)
}

/// Where the request came from: what the platform says, or, before a proxy that proves itself by a service key, what the
/// proxy says. Anybody can write the proxy's fields: without the proof they do not count.
async fn client_address(call: &Call<'_>, sent: Sent) -> Result<Option<IpAddr>, Problem> {
    let Some(proof) = sent.proof else { return Ok(sent.direct) };
    if !authenticate::is_trusted_proxy(call.ports, call.memory, &Plaintext::new(proof), call.ask()).await? {
        return Ok(sent.direct);
    }
    let told = call.inbound.header("latchkey-client-ip").or_else(|| conventional(call, sent.direct));
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
