//! The portal in a browser: the link that opens it, its page, the way out.

use askama::Template;

use super::{
    call::Call, challenge::Challenge, problem::Problem, problem_catalog as catalog, reply::Reply, same_origin, session_cookie, web_page,
};
use crate::{
    authn::principal::Grant,
    base::time::Timestamp,
    service::portal::{self, SignedIn},
};

#[derive(Template)]
#[template(path = "portal_opened.html")]
struct OpenedPage;

#[derive(Template)]
#[template(path = "portal_refused.html")]
struct RefusedPage<'a> {
    title: &'a str,
    advice: &'a str,
}

#[derive(Template)]
#[template(path = "portal.html")]
struct PortalPage<'a> {
    organization: &'a str,
    name: &'a str,
    role: &'a str,
    rights: Vec<&'static str>,
    expires_at: Timestamp,
    expires_shown: String,
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
    if !is_navigation(call) {
        // Anything but 2xx makes a browser drop what it fetched ahead and ask again when somebody really comes.
        return Err(Problem::new(
            &catalog::FORBIDDEN,
            "a portal link is used up by opening it in a browser's tab, not by fetching it ahead",
        ));
    }
    let Some(opened) = portal::open(call.ports, link, call.origin()).await? else { return Ok(link_refused()) };
    let cookies = session_cookie::set(&opened.cookie, call.inbound.origin(), opened.session.expires_at, call.ports.clock.now());
    Ok(with_cookies(web_page::page(200, &OpenedPage), cookies))
}

/// Whether somebody goes there: not a browser that fetches pages ahead, nor a picture or a frame in somebody's page.
/// Clients other than browsers don't say, and are taken at their word.
fn is_navigation(call: &Call<'_>) -> bool {
    let header = |name| call.inbound.header(name).unwrap_or_default().to_ascii_lowercase();
    let ahead = ["sec-purpose", "purpose"].into_iter().any(|name| header(name).contains("prefetch"));
    !ahead && matches!(header("sec-fetch-dest").as_str(), "" | "document")
}

/// The page of the one who is signed in, or how to get there.
///
/// # Errors
/// An outage.
pub async fn portal(call: &Call<'_>) -> Result<Reply, Problem> {
    let Some(SignedIn { session, organization }) = signed_in(call).await? else { return Ok(not_signed_in(call)) };
    let grants = Grant::of_role(&organization.policy.roles, &session.role);
    Ok(web_page::page(
        200,
        &PortalPage {
            organization: &organization.name,
            name: &session.user.name,
            role: &session.role,
            rights: grants.into_iter().filter_map(right).collect(),
            expires_at: session.expires_at,
            expires_shown: session.expires_at.to_string().chars().take(16).map(|char| if char == 'T' { ' ' } else { char }).collect(),
        },
    ))
}

/// Ends the session and takes its cookie away.
///
/// # Errors
/// 403 for a foreign page's request, or an outage.
pub async fn sign_out(call: &Call<'_>) -> Result<Reply, Problem> {
    let Some(SignedIn { session, .. }) = signed_in(call).await? else { return Ok(not_signed_in(call)) };
    same_origin::demand_of_changes(call)?;
    portal::sign_out(call.ports, &session, call.origin()).await?;
    Ok(with_cookies(Reply::empty(303).with("Location", "/portal"), session_cookie::clear(call.inbound.origin())))
}

async fn signed_in(call: &Call<'_>) -> Result<Option<SignedIn>, Problem> {
    let Some(cookie) = session_cookie::read(call.inbound.header("cookie").as_deref(), call.inbound.origin()) else { return Ok(None) };
    Ok(portal::find_signed_in(call.ports, &cookie).await?)
}

/// What a grant is called on the page. Only those that a role can give have a name.
fn right(grant: Grant) -> Option<&'static str> {
    match grant {
        Grant::KeysRead => Some("See API keys"),
        Grant::KeysWrite => Some("Create, change and revoke them"),
        Grant::PlaygroundUse => Some("Make temporary keys"),
        Grant::AuditRead => Some("Read the audit log"),
        Grant::UsageRead => Some("See what keys are used for"),
        Grant::Verify | Grant::ForwardAuth | Grant::PortalCreate | Grant::OrgsRead | Grant::OrgsWrite => None,
    }
}

/// One answer for every link that cannot be opened: a used one says no more than one that never was.
fn link_refused() -> Reply {
    let page = RefusedPage {
        title: "This link can no longer be used",
        advice: "A link to the portal works once and for ten minutes. Go back to where you came from and open the portal from there again: you will get a new link.",
    };
    challenge(web_page::page(401, &page), &Challenge::InvalidToken("the link cannot be opened; ask for a new one".to_owned()))
}

fn not_signed_in(call: &Call<'_>) -> Reply {
    let page = RefusedPage {
        title: "You are not signed in",
        advice: "You signed out, or your session is over. Go back to where you came from and open the portal from there: you will get a new link.",
    };
    let page = web_page::page(401, &page);
    match session_cookie::read(call.inbound.header("cookie").as_deref(), call.inbound.origin()) {
        None => challenge(page, &Challenge::NoCredential),
        Some(_) => {
            let page = challenge(page, &Challenge::InvalidToken("the portal session is over".to_owned()));
            with_cookies(page, session_cookie::clear(call.inbound.origin()))
        }
    }
}

/// Every 401 has a challenge (RFC 9110, section 11.6.1). Browsers don't know the scheme and show the page.
fn challenge(page: Reply, challenge: &Challenge) -> Reply {
    page.with("WWW-Authenticate", challenge.to_field())
}

fn with_cookies(reply: Reply, cookies: Vec<String>) -> Reply {
    cookies.into_iter().fold(reply, |reply, cookie| reply.with("Set-Cookie", cookie))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_full_of_markup_are_inert() {
        let hostile = "<script>alert(1)</script>\"' onload=x";
        let page = PortalPage {
            organization: hostile,
            name: hostile,
            role: hostile,
            rights: vec![],
            expires_at: Timestamp::from_ms(0),
            expires_shown: String::new(),
        };
        let html = page.render().unwrap();
        assert!(!html.contains("<script") && !html.contains("\"' onload"), "{html}");
        assert_eq!(html.matches("&#60;script&#62;").count(), 4, "{html}");
    }

    #[test]
    fn every_grant_that_a_role_can_give_has_a_name() {
        let owner = Grant::of_role(&crate::policy::role::Roles::default(), "owner");
        assert!(owner.iter().all(|grant| right(*grant).is_some()));
    }
}
