//! Who enters the console: a member by the portal's cookie, the operator by their own. Roles are asked here, once for all
//! pages, before any of them is made.

use askama::Template;

use super::{
    page::{About, Person, Way, page},
    texts::t,
};
use crate::{
    authn::{
        portal::PortalSession,
        principal::{Grant, Member, Principal},
    },
    http::{
        call::Call, challenge::Challenge, portal, problem::Problem, problem_catalog as catalog, reply::Reply, route_table::Caller,
        same_origin, session_cookie,
    },
    policy::{org::Organization, rules::Policy},
    service::portal::{self as sessions, SignedIn},
};

/// A member who is signed in.
pub struct Visitor {
    /// Their session.
    pub session: PortalSession,
    /// Their organization.
    pub organization: Organization,
    grants: Vec<Grant>,
}

/// Who has entered.
pub enum Entered {
    /// A member.
    Member(Box<Visitor>),
    /// The operator.
    Operator,
    /// Somebody who wants to sign in as the operator.
    TokenHolder,
    /// Nobody; this is the answer.
    Refused(Reply),
}

/// Lets in whom the route lets in. Changes need this deployment's own pages.
///
/// # Errors
/// 403 for a foreign page's request, 404, or an outage.
pub async fn enter(call: &mut Call<'_>, caller: Caller) -> Result<Entered, Problem> {
    match caller {
        Caller::Member(needs) => enter_member(call, needs).await,
        Caller::OperatorSession => enter_operator(call).await,
        Caller::OperatorToken => same_origin::demand_of_changes(call).map(|()| Entered::TokenHolder),
        Caller::Anyone | Caller::KeyHolder | Caller::With(_) | Caller::Operator | Caller::LinkHolder | Caller::PortalSession => {
            Err(nowhere())
        }
    }
}

async fn enter_member(call: &mut Call<'_>, needs: Option<Grant>) -> Result<Entered, Problem> {
    let Some(SignedIn { session, organization }) = portal::signed_in(call).await? else {
        return portal::not_signed_in(call).await.map(Entered::Refused);
    };
    same_origin::demand_of_changes(call)?;
    let grants = Grant::of_role(&organization.policy.roles, &session.role);
    let visitor = Visitor { session, organization, grants };
    if needs.is_some_and(|grant| !visitor.may(grant)) {
        let problem = Problem::new(&catalog::FORBIDDEN, t("refusal.role"));
        return visitor.refuse(call, problem).map(Entered::Refused);
    }
    // As if the path named it: what is done here is done in this organization, and remembered of it no longer.
    call.params.push(("org".to_owned(), visitor.organization.id.to_string()));
    call.principal = Some(visitor.principal());
    Ok(Entered::Member(Box::new(visitor)))
}

async fn enter_operator(call: &mut Call<'_>) -> Result<Entered, Problem> {
    let cookie = session_cookie::OPERATOR.read(call.inbound.header("cookie").as_deref(), call.inbound.origin());
    let session = match &cookie {
        Some(cookie) => sessions::find_operator(call.ports, cookie).await?,
        None => None,
    };
    if session.is_none() {
        return Ok(Entered::Refused(super::operator::sign_in::form(call, None)));
    }
    same_origin::demand_of_changes(call)?;
    call.principal = Some(Principal::Operator);
    Ok(Entered::Operator)
}

impl Visitor {
    /// Whether their role gives them that.
    #[must_use]
    pub fn may(&self, grant: Grant) -> bool {
        self.grants.contains(&grant)
    }

    /// The rules of their organization.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.organization.policy
    }

    fn principal(&self) -> Principal {
        let PortalSession { user, role, .. } = &self.session;
        Principal::Member(Member {
            org: self.organization.id.clone(),
            user_id: user.id.clone(),
            name: user.name.clone(),
            role: role.clone(),
            grants: self.grants.clone(),
        })
    }

    /// A page of theirs; `here` is where among the ways it stands.
    #[must_use]
    pub fn page(&self, status: u16, here: &str, title: &str, notice: Option<&str>, content: &impl Template) -> Reply {
        page(self.about(here), status, title, notice, content)
    }

    fn about(&self, here: &str) -> About<'_> {
        let way = |href, text, grant| self.may(grant).then_some(Way { href, text, here: here == href });
        let ways = [
            way("/portal", t("nav.keys"), Grant::KeysRead),
            way("/portal/permissions", t("nav.permissions"), Grant::KeysRead),
            way("/portal/audit", t("nav.audit"), Grant::AuditRead),
        ];
        let person = Person { name: &self.session.user.name, role: &self.session.role, sign_out: "/portal/sign-out" };
        About {
            owner: &self.organization.name,
            home: "/portal",
            person: Some(person),
            ways: ways.into_iter().flatten().collect(),
            look: Some(&self.policy().console),
        }
    }

    /// The page that tells them why not.
    ///
    /// # Errors
    /// None; it is the shape that callers need.
    pub fn refuse(&self, call: &Call<'_>, problem: Problem) -> Result<Reply, Problem> {
        Ok(refusal(self.about(""), call, problem))
    }
}

#[derive(Template)]
#[template(path = "console/refusal.html")]
struct Refusal<'a> {
    title: &'a str,
    said: &'a str,
    home: &'a str,
    request_id: &'a str,
}

/// A problem as a page. Its cause goes to the log, as that of every other answer.
#[must_use]
pub fn refusal(about: About<'_>, call: &Call<'_>, problem: Problem) -> Reply {
    if let Some(cause) = problem.cause() {
        worker::console_error!("{} {cause}", call.request_id);
    }
    let said = problem.detail();
    let request_id = call.request_id.text();
    let content = Refusal { title: problem.title(), said, home: about.home, request_id: &request_id };
    let reply = page(about, problem.status(), problem.title(), None, &content);
    problem.fields().iter().fold(reply, |reply, (name, value)| reply.with(name, value.as_str()))
}

/// What is refused before anybody is known.
///
/// # Errors
/// None; it is the shape that callers need.
pub fn refuse(call: &Call<'_>, problem: Problem) -> Result<Reply, Problem> {
    let about = About { owner: t("brand"), home: "/portal", person: None, ways: Vec::new(), look: None };
    Ok(refusal(about, call, problem))
}

/// A way that the route table does not have.
#[must_use]
pub fn nowhere() -> Problem {
    Problem::new(&catalog::NOT_FOUND, t("refusal.nowhere"))
}

/// Every 401 has a challenge (RFC 9110, section 11.6.1).
#[must_use]
pub fn challenged(page: Reply) -> Reply {
    portal::challenge(page, &Challenge::NoCredential)
}
