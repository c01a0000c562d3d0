//! The organizations of the deployment, and making one.

use askama::Template;
use serde_json::json;

use super::super::{
    faults::FieldFaults,
    form::{self, Form},
    moments::Moment,
    new_key::{logged, told},
    notice,
    texts::t,
};
use crate::{
    http::{call::Call, problem::Problem, reply::Reply},
    policy::org::Organization,
    service::{failure::Failure, orgs},
};

const ROWS: u32 = 50;

#[derive(Template)]
#[template(path = "console/operator_orgs.html")]
struct OrgsPage<'a> {
    orgs: Vec<(Organization, Moment)>,
    next: Option<String>,
    first: bool,
    name: &'a str,
    fault: String,
}

/// The organizations, newest first.
///
/// # Errors
/// A foreign cursor, or an outage.
pub async fn operator_orgs(call: &Call<'_>) -> Result<Reply, Problem> {
    show(call, 200, "", String::new()).await
}

/// Makes an organization with the standard policy, to be edited next.
///
/// # Errors
/// What has nothing to do with the form.
pub async fn operator_create_org(call: &Call<'_>) -> Result<Reply, Problem> {
    let sent = Form::of_body(call)?;
    let name = sent.one("name");
    match orgs::create(call.ports, &json!({ "name": name }), call.origin()).await {
        Ok(made) => Ok(notice::see(&format!("/operator/orgs/{}", made.id), &[], "org_created", None)),
        Err(Failure::Invalid(faults)) => show(call, 422, name, FieldFaults::of(&faults).at("name")).await,
        Err(failure) => {
            let problem = logged(call, failure);
            show(call, problem.status(), name, told(&problem).to_owned()).await
        }
    }
}

async fn show(call: &Call<'_>, status: u16, name: &str, fault: String) -> Result<Reply, Problem> {
    let query = Form::of_query(call);
    let page = orgs::list(call.ports, ROWS, query.some("cursor")).await?;
    let content = OrgsPage {
        orgs: page.items.into_iter().map(|org| (Moment::day(org.created_at), org)).map(|(made, org)| (org, made)).collect(),
        next: page.next_cursor.map(|cursor| form::address("/operator", &[("cursor", &cursor)])),
        first: query.some("cursor").is_none(),
        name,
        fault,
    };
    Ok(super::page(status, "/operator", t("nav.orgs"), notice::read(&query).as_deref(), &content))
}
