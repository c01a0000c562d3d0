//! The gateway: requests to its host are checked with the key that they carry, and passed on to the origin.
//!
//! In scope: who is let through, and which fields go and come. Out of scope: bodies. They never come here: the platform lets
//! them flow by, in `shim/gateway.js`.

use js_sys::{Promise, futures::JsFuture};
use wasm_bindgen::prelude::*;
use web_sys::{Headers, Request, Response};
use worker::Env;

use super::{
    answer::Answer,
    call::Call,
    exchange,
    gateway_cors::Cors,
    hop::{self, Hop},
    key_holder,
    problem::Problem,
    problem_catalog as catalog, rate_fields,
    witness::{self, Sighting, Surface},
};
use crate::{
    base::document::Faults,
    config::{
        Config,
        gateway::{Gateway, Origin, Passage},
    },
    decision::facts::{Ask, Target},
    service::verify,
};

#[wasm_bindgen(module = "/shim/gateway.js")]
extern "C" {
    #[wasm_bindgen(js_name = fieldNames)]
    fn field_names(headers: &Headers) -> String;
    #[wasm_bindgen(js_name = passOn)]
    fn pass_on(request: &Request, env: &Env, url: Option<&str>, dropped: &str, set: &str, limit_ms: u32) -> Promise;
    #[wasm_bindgen(catch, js_name = passBack)]
    fn pass_back(response: &Response, dropped: &str, added: &str) -> Result<Response, JsValue>;
}

/// Where the gateway's host answers for Latchkey. All else there is the origin's.
const OWN: &str = "/.well-known/latchkey";

/// The path that Latchkey itself knows, if that one at the gateway's host is not the origin's.
#[must_use]
pub fn own_path(path: &str) -> Option<&str> {
    path.strip_prefix(OWN).filter(|rest| rest.starts_with("/problems/"))
}

/// What stands before `/problems/` in the types of problems that are told at this origin, where the gateway is or is not.
#[must_use]
pub fn problem_base(origin: &str, config: &Config) -> String {
    let own = if config.gateway_at(origin).is_some() { OWN } else { "" };
    format!("{origin}{own}")
}

type Fields = Vec<(&'static str, String)>;

/// The origin's answer to a request that may pass.
///
/// # Errors
/// The refusal; that no decision can be reached; that the origin does not answer, or not in time.
pub async fn pass(call: &Call<'_>, gateway: &Gateway) -> Result<Answer, Problem> {
    let passage = gateway.passage.as_ref().map_err(|refusal| {
        let problem = Problem::new(&catalog::BAD_GATEWAY, "no origin is configured that the request could be passed on to");
        key_holder::named(problem.because(refusal.to_string()))
    })?;
    let [authorization, act_as, origin, wanted_method] =
        call.inbound.fields(["authorization", "latchkey-act-as", "origin", "access-control-request-method"]);
    let cors = Cors::of(origin.as_deref(), &passage.pages);
    let is_preflight = call.inbound.method() == "OPTIONS" && !key_holder::presents_any(call, authorization.as_deref());
    if let (true, true, Some(method)) = (is_preflight, origin.is_some(), wanted_method) {
        if let Some(reply) = cors.preflight(method, call.inbound.header("access-control-request-headers")) {
            return Ok(Answer::Made(reply));
        }
        if passage.passes_preflights {
            return forward(call, passage, Vec::new(), Vec::new(), &cors).await.map(Answer::Passed).map_err(key_holder::named);
        }
    }
    let outcome = judge(call, passage, authorization, act_as, &cors).await.map(Answer::Passed);
    outcome.map_err(|problem| cors.refused(key_holder::named(problem)))
}

async fn judge(
    call: &Call<'_>,
    passage: &Passage,
    authorization: Option<String>,
    act_as: Option<String>,
    cors: &Cors<'_>,
) -> Result<Response, Problem> {
    let ask = read_ask(call, act_as)?;
    let key = key_holder::read(call, authorization.as_deref())?;
    let decision = verify::verify(call.ports, call.memory, key.expose(), &ask).await?;
    witness::tell(call, &Sighting { surface: Surface::Gateway, index: None, credential: key.expose(), ask: &ask, decision: &decision });
    let known = key_holder::admitted(&decision)?;
    let (identity, rates) = (key_holder::identity(known, &ask).into(), rate_fields::fields(&decision));
    // What passed has spent a token, whatever becomes of it.
    let answer = forward(call, passage, identity, rates, cors).await;
    verify::count_origin(call.ports, call.memory, known, answer.as_ref().ok().map(Response::status));
    answer.map_err(|problem| rate_fields::told_in(problem, &decision))
}

fn read_ask(call: &Call<'_>, act_as: Option<String>) -> Result<Ask, Problem> {
    let mut faults = Faults::default();
    key_holder::check_user(act_as.as_deref(), &mut faults);
    let (methods, paths) = (vec![call.inbound.method().to_owned()], vec![call.inbound.target().to_owned()]);
    let target = Target { methods, paths, is_free_without_routes: false };
    Ok(faults.conclude(Some(Ask { target: Some(target), act_as, ..call.ask() }))?)
}

/// Passes the request on with these fields, and the answer back with those.
async fn forward(call: &Call<'_>, passage: &Passage, identity: Fields, mut added: Fields, cors: &Cors<'_>) -> Result<Response, Problem> {
    let inbound = call.inbound;
    let url = match &passage.origin {
        Origin::Binding => None,
        Origin::Url(origin) => Some(format!("{origin}{}", inbound.target())),
    };
    let headers = inbound.request().headers();
    let [connection, upgrade] = inbound.fields(["connection", "upgrade"]);
    let hop = Hop::read(connection.as_deref(), upgrade.as_deref());
    let credential = |name: &str| name == "authorization" || (name == "x-api-key" && call.config.accept_x_api_key);
    let dropped = names(&headers, |name| hop.ends(name) || hop::is_latchkeys(name) || credential(name));
    // INVARIANT: dropped first, set then. No field of the request can take an identity away, or add one.
    let answer = pass_on(inbound.request(), call.env, url.as_deref(), &dropped, &lines(&identity), passage.timeout_ms);
    let response: Response = JsFuture::from(answer).await.map_err(failed)?.unchecked_into();

    let headers = response.headers();
    let names_of_answer = ["connection", "x-request-id", "access-control-allow-origin", "vary"];
    let [connection, request_id, allowed, vary] = exchange::read_fields(&headers, names_of_answer);
    let hop = Hop::read(connection.as_deref(), None);
    let dropped = names(&headers, |name| hop.ends(name));
    if request_id.is_none() {
        added.push(("X-Request-Id", call.request_id.to_string()));
    }
    added.extend(cors.fields(allowed.as_deref(), vary.as_deref()));
    pass_back(&response, &dropped, &lines(&added)).map_err(failed)
}

/// Why there is no answer; `null` stands for a time that ran out.
fn failed(cause: JsValue) -> Problem {
    if cause.is_null() {
        return Problem::new(&catalog::GATEWAY_TIMEOUT, "the origin did not begin to answer in time");
    }
    let cause = format!("the origin failed: {}", worker::Error::from(cause));
    Problem::new(&catalog::BAD_GATEWAY, "the origin cannot be reached, or what it answered is no answer").because(cause)
}

/// Those names of fields that are chosen, each in a line.
fn names(headers: &Headers, is_chosen: impl Fn(&str) -> bool) -> String {
    let mut chosen = String::new();
    for name in field_names(headers).lines().filter(|name| is_chosen(name)) {
        chosen.push_str(name);
        chosen.push('\n');
    }
    chosen
}

/// Fields, each in a line, which no value of these has.
fn lines(fields: &Fields) -> String {
    fields.iter().map(|(name, value)| format!("{name}:{value}\n")).collect()
}
