//! The operator's pages: who holds the operator token signs in with it and manages organizations, their features and
//! policies.

mod org;
mod orgs;
pub mod sign_in;

use super::{
    audit_page::{self, Ready},
    entrance,
    page::{About, Person, Way},
    screen::Screen,
    texts::t,
};
use crate::{
    base::actor::Actor,
    http::{call::Call, problem::Problem, reply::Reply},
};

/// Answers the operator, who is signed in.
///
/// # Errors
/// What has no page of its own.
pub async fn answer(call: &Call<'_>, screen: Screen) -> Result<Reply, Problem> {
    match screen {
        Screen::OperatorOrgs => orgs::operator_orgs(call).await,
        Screen::OperatorCreateOrg => orgs::operator_create_org(call).await,
        Screen::OperatorOrg => org::operator_org(call).await,
        Screen::OperatorEditOrg => org::operator_edit_org(call).await,
        Screen::OperatorSignOut => sign_in::operator_sign_out(call).await,
        Screen::OperatorAudit => {
            let path = format!("/operator/orgs/{}/audit", call.param("org"));
            let content = audit_page::read(call, call.param("org"), &path).await?;
            Ok(page(200, "", t("nav.audit"), None, &Ready(content)))
        }
        Screen::OperatorSignIn
        | Screen::Portal
        | Screen::NewKey
        | Screen::CreateKey
        | Screen::ShowKey
        | Screen::EditKey
        | Screen::AskStep
        | Screen::RevokeKey
        | Screen::ReactivateKey
        | Screen::DeleteKey
        | Screen::RotateKey
        | Screen::CompleteRotation
        | Screen::Audit
        | Screen::Permissions => Err(entrance::nowhere()),
    }
}

/// The page that tells the operator why not.
///
/// # Errors
/// None; it is the shape that callers need.
pub fn refuse(call: &Call<'_>, problem: Problem) -> Result<Reply, Problem> {
    let actor = Actor::operator();
    Ok(entrance::refusal(about(&actor, ""), call, problem))
}

fn page(status: u16, here: &str, title: &str, notice: Option<&str>, content: &impl askama::Template) -> Reply {
    let actor = Actor::operator();
    super::page::page(about(&actor, here), status, title, notice, content)
}

fn about<'a>(actor: &'a Actor, here: &str) -> About<'a> {
    About {
        owner: t("brand"),
        home: "/operator",
        person: Some(Person { name: &actor.name, role: "", sign_out: "/operator/sign-out" }),
        ways: vec![Way { href: "/operator", text: t("nav.orgs"), here: here == "/operator" }],
        look: None,
    }
}
