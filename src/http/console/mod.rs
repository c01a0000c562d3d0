//! The console: the pages in which people see and manage the keys of their organization, and the operator's pages.
//!
//! In scope: what pages show and what their forms mean. Out of scope: what is decided or changed: pages call the same
//! services as the API, under the same roles and policies. Everything works without a script; `assets/console.js` makes
//! dialogs out of pages.

mod activity;
mod assets;
mod audit_page;
mod chart;
mod edit_key;
mod entrance;
mod faults;
mod form;
mod key_form;
mod key_page;
mod keys_page;
mod moments;
mod new_key;
mod notice;
mod operator;
mod page;
mod permissions_page;
mod rates;
mod row;
pub mod screen;
mod secret_panel;
mod step;
mod steps;
mod texts;

use self::{entrance::Entered, screen::Screen};
use super::{body, call::Call, problem::Problem, reply::Reply, route_table::Caller};

/// Answers a request to the console, with a page whatever happens.
///
/// # Errors
/// None but what has nothing to do with pages.
pub async fn respond(call: &mut Call<'_>, screen: Screen, caller: Caller) -> Result<Reply, Problem> {
    call.body = call.inbound.body(body::MAX_BODY_BYTES).await;
    let outcome = match entrance::enter(call, caller).await {
        Ok(Entered::Refused(reply)) => Ok(reply),
        Ok(Entered::Member(visitor)) => answer(call, screen, &visitor).await.or_else(|problem| visitor.refuse(call, problem)),
        Ok(Entered::Operator) => operator::answer(call, screen).await.or_else(|problem| operator::refuse(call, problem)),
        Ok(Entered::TokenHolder) => operator::sign_in::operator_sign_in(call).await,
        Err(problem) => Err(problem),
    };
    outcome.or_else(|problem| entrance::refuse(call, problem))
}

async fn answer(call: &Call<'_>, screen: Screen, visitor: &entrance::Visitor) -> Result<Reply, Problem> {
    match screen {
        Screen::Portal => keys_page::portal(call, visitor).await,
        Screen::NewKey => new_key::portal_new_key(call, visitor),
        Screen::CreateKey => new_key::portal_create_key(call, visitor).await,
        Screen::ShowKey => key_page::portal_show_key(call, visitor).await,
        Screen::EditKey => edit_key::portal_edit_key(call, visitor).await,
        Screen::AskStep => steps::portal_ask(call, visitor).await,
        Screen::RevokeKey => steps::portal_revoke_key(call, visitor).await,
        Screen::ReactivateKey => steps::portal_reactivate_key(call, visitor).await,
        Screen::DeleteKey => steps::portal_delete_key(call, visitor).await,
        Screen::RotateKey => steps::portal_rotate_key(call, visitor).await,
        Screen::CompleteRotation => steps::portal_complete_rotation(call, visitor).await,
        Screen::Audit => audit_page::portal_audit(call, visitor).await,
        Screen::Permissions => Ok(permissions_page::portal_permissions(visitor)),
        // The route table lets members to none of these.
        Screen::OperatorOrgs
        | Screen::OperatorSignIn
        | Screen::OperatorSignOut
        | Screen::OperatorCreateOrg
        | Screen::OperatorOrg
        | Screen::OperatorEditOrg
        | Screen::OperatorAudit => Err(entrance::nowhere()),
    }
}
