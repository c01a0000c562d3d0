//! The operator signs in with the operator token, and out again. The token goes into a form, never into an address, and is
//! not kept: a session of half an hour takes its place.

use askama::Template;

use super::super::{
    entrance,
    form::Form,
    page::{About, page},
    texts::t,
};
use crate::{
    authn::principal::Principal,
    base::secret::Plaintext,
    http::{call::Call, flood, portal as way_in, problem::Problem, reply::Reply, session_cookie::OPERATOR},
    ports::{Flood, Outage},
    service::{failure::Failure, portal},
};

#[derive(Template)]
#[template(path = "console/operator_sign_in.html")]
struct SignInPage<'a> {
    alert: &'a str,
}

/// The form, for whoever is not signed in.
#[must_use]
pub fn form(call: &Call<'_>, alert: Option<&str>) -> Reply {
    let about = About { owner: t("brand"), home: "/operator", person: None, ways: Vec::new(), look: None };
    let page = page(about, 401, t("operator.sign_in"), None, &SignInPage { alert: alert.unwrap_or_default() });
    let has_cookie = OPERATOR.read(call.inbound.header("cookie").as_deref(), call.inbound.origin()).is_some();
    let page = entrance::challenged(page);
    if has_cookie { way_in::with_cookies(page, OPERATOR.clear(call.inbound.origin())) } else { page }
}

/// Signs the holder of the operator token in. Bad ones are counted by address, as everywhere.
///
/// # Errors
/// 429, or an outage.
pub async fn operator_sign_in(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let sent = Form::of_body(call)?;
    let misconfigured =
        |refusal: &crate::authn::operator::BadOperatorSetting| Failure::from(Outage::Configuration { cause: refusal.to_string() });
    let tokens = call.config.operator.as_ref().map_err(misconfigured)?;
    if !tokens.include(&Plaintext::new(sent.one("token").trim().to_owned())) {
        flood::count(call, Flood::FailedCredentials, t("operator.flood")).await?;
        return Ok(form(call, Some(t("operator.refused"))));
    }
    call.principal = Some(Principal::Operator);
    let opened = portal::sign_operator_in(call.ports, call.origin()).await?;
    let cookies = OPERATOR.set(&opened.cookie, call.inbound.origin(), opened.session.expires_at, call.ports.clock.now());
    Ok(way_in::with_cookies(Reply::empty(303).with("Location", "/operator"), cookies))
}

/// Ends the operator's session.
///
/// # Errors
/// An outage.
pub async fn operator_sign_out(call: &Call<'_>) -> Result<Reply, Problem> {
    let cookie = OPERATOR.read(call.inbound.header("cookie").as_deref(), call.inbound.origin());
    if let Some(cookie) = cookie
        && let Some(session) = portal::find_operator(call.ports, &cookie).await?
    {
        portal::sign_out(call.ports, &session, call.origin()).await?;
    }
    Ok(way_in::with_cookies(Reply::empty(303).with("Location", "/operator"), OPERATOR.clear(call.inbound.origin())))
}
