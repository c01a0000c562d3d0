//! The way into the console and out of it: the link that opens it, the end of a session.

use askama::Template;

use super::{
    call::Call, challenge::Challenge, problem::Problem, problem_catalog as catalog, reply::Reply, same_origin, session_cookie, web_page,
};
use crate::{
    policy::org::Organization,
    service::portal::{self, SignedIn},
};

#[derive(Template)]
#[template(path = "portal_opened.html")]
struct OpenedPage;

#[derive(Template)]
#[template(path = "portal_refused.html")]
pub(super) struct RefusedPage<'a> {
    pub title: &'a str,
    pub advice: &'a str,
}

/// Signs in whoever opens the link, once. The page goes on to the portal by itself, and not by a redirect: a browser that
/// came here from another site would still count as coming from there, and keep the new cookie to itself.
///
/// # Errors
/// An outage.
pub async fn open_portal_link(call: &Call<'_>) -> Result<Reply, Problem> {
    let link = call.param("link");
    if call.inbound.method() == "HEAD" {
        let waiting = portal::is_waiting(call.ports, link).await?;
        return Ok(if waiting { web_page::page(200, &OpenedPage) } else { link_refused() });
    }
    let frame_ancestors = if in_frame(call) { framed_by(call, portal::organization_of_link(call.ports, link).await?) } else { Vec::new() };
    if !is_navigation(call) && frame_ancestors.is_empty() {
        // Anything but 2xx makes a browser drop what it fetched ahead and ask again when somebody really comes.
        return Err(Problem::new(
            &catalog::FORBIDDEN,
            "a portal link is used up by opening it in a browser's tab, not by fetching it ahead",
        ));
    }
    let Some(opened) = portal::open(call.ports, link, call.origin()).await? else { return Ok(link_refused()) };
    let cookies = session_cookie::MEMBER.set(&opened.cookie, call.inbound.origin(), opened.session.expires_at, call.ports.clock.now());
    Ok(with_cookies(web_page::page_within(&frame_ancestors, 200, &OpenedPage), cookies))
}

/// Whether somebody goes there: not a browser that fetches pages ahead, nor a picture or a frame in somebody's page.
/// Clients other than browsers don't say, and are taken at their word.
fn is_navigation(call: &Call<'_>) -> bool {
    let header = |name| call.inbound.header(name).unwrap_or_default().to_ascii_lowercase();
    let ahead = ["sec-purpose", "purpose"].into_iter().any(|name| header(name).contains("prefetch"));
    !ahead && matches!(header("sec-fetch-dest").as_str(), "" | "document")
}

/// Whether the page is to be shown in a frame.
fn in_frame(call: &Call<'_>) -> bool {
    let header = |name| call.inbound.header(name).unwrap_or_default();
    header("sec-fetch-dest") == "iframe" && !header("sec-purpose").contains("prefetch")
}

/// Whose frames may show the organization's pages. Of other sites none: browsers would keep the cookie from them.
fn framed_by(call: &Call<'_>, organization: Option<Organization>) -> Vec<String> {
    let site = call.inbound.header("sec-fetch-site").unwrap_or_default();
    let organization = organization.filter(|_| matches!(site.as_str(), "same-site" | "same-origin"));
    organization.map(|organization| organization.policy.console.frame_ancestors).unwrap_or_default()
}

/// Ends the session and takes its cookie away.
///
/// # Errors
/// 403 for a foreign page's request, or an outage.
pub async fn sign_out(call: &Call<'_>) -> Result<Reply, Problem> {
    let Some(SignedIn { session, .. }) = signed_in(call).await? else { return not_signed_in(call).await };
    same_origin::demand_of_changes(call)?;
    portal::sign_out(call.ports, &session, call.origin()).await?;
    Ok(with_cookies(Reply::empty(303).with("Location", "/portal"), session_cookie::MEMBER.clear(call.inbound.origin())))
}

/// Who is signed in by this call's cookie.
///
/// # Errors
/// An outage.
pub(super) async fn signed_in(call: &Call<'_>) -> Result<Option<SignedIn>, Problem> {
    let Some(cookie) = session_cookie::MEMBER.read(call.inbound.header("cookie").as_deref(), call.inbound.origin()) else {
        return Ok(None);
    };
    Ok(portal::find_signed_in(call.ports, &cookie).await?)
}

/// One answer for every link that cannot be opened: a used one says no more than one that never was.
fn link_refused() -> Reply {
    let page = RefusedPage {
        title: "This link can no longer be used",
        advice: "A link to the portal works once and for ten minutes. Go back to where you came from and open the portal from there again: you will get a new link.",
    };
    challenge(web_page::page(401, &page), &Challenge::InvalidToken("the link cannot be opened; ask for a new one".to_owned()))
}

/// How to get there, for who is not signed in. Where their organization shows its console in a frame, so is this.
///
/// # Errors
/// An outage.
pub(super) async fn not_signed_in(call: &Call<'_>) -> Result<Reply, Problem> {
    let page = RefusedPage {
        title: "You are not signed in",
        advice: "You signed out, or your session is over. Go back to where you came from and open the portal from there: you will get a new link.",
    };
    let Some(cookie) = session_cookie::MEMBER.read(call.inbound.header("cookie").as_deref(), call.inbound.origin()) else {
        return Ok(challenge(web_page::page(401, &page), &Challenge::NoCredential));
    };
    let ancestors = if in_frame(call) { framed_by(call, portal::organization_of_cookie(call.ports, &cookie).await?) } else { Vec::new() };
    let page = web_page::page_within(&ancestors, 401, &page);
    let page = challenge(page, &Challenge::InvalidToken("the portal session is over".to_owned()));
    Ok(with_cookies(page, session_cookie::MEMBER.clear(call.inbound.origin())))
}

/// Every 401 has a challenge (RFC 9110, section 11.6.1). Browsers don't know the scheme and show the page.
pub(super) fn challenge(page: Reply, challenge: &Challenge) -> Reply {
    page.with("WWW-Authenticate", challenge.to_field())
}

pub(super) fn with_cookies(reply: Reply, cookies: Vec<String>) -> Reply {
    cookies.into_iter().fold(reply, |reply, cookie| reply.with("Set-Cookie", cookie))
}
