//! Making a key: the form, and what becomes of it.

use askama::Template;

use super::{
    entrance::Visitor,
    faults::FieldFaults,
    form::Form,
    key_form::{self, KeyForm, Purpose},
    secret_panel::SecretPanel,
    texts::{find, t},
};
use crate::{
    http::{call::Call, problem::Problem, reply::Reply},
    service::{
        failure::Failure,
        keys::{self, MadeOnce},
    },
};

#[derive(Template)]
#[template(path = "console/new_key.html")]
struct NewKeyPage<'a> {
    alert: &'a str,
    once: &'a str,
    fields: &'a str,
}

#[derive(Template)]
#[template(path = "console/made_before.html")]
struct MadeBeforePage<'a> {
    key: &'a crate::key::record::KeyRecord,
}

/// The empty form.
///
/// # Errors
/// None.
pub fn portal_new_key(call: &Call<'_>, visitor: &Visitor) -> Result<Reply, Problem> {
    let once = format!("{}.{}", call.ports.clock.now().ms(), call.request_id);
    let form = KeyForm::blank(visitor.policy());
    Ok(show(call, visitor, 200, &form, &FieldFaults::default(), "", &once))
}

/// Makes a key, or shows the form again with all that was filled in. The same form sent twice makes one key.
///
/// # Errors
/// What has nothing to do with the form's fields.
pub async fn portal_create_key(call: &Call<'_>, visitor: &Visitor) -> Result<Reply, Problem> {
    let sent = Form::of_body(call)?;
    let request_id = call.request_id.text();
    let (form, once) = (KeyForm::read(&sent), sent.some("once").unwrap_or(&request_id));
    let body = form.body(visitor.policy(), Purpose::Create, call.ports.clock.now());
    match keys::create_once(call.ports, call.param("org"), &body, call.author(), once).await {
        Ok(MadeOnce::Now(created)) => {
            let panel = SecretPanel::of_new(call, &created.key, created.secret.expose());
            Ok(visitor.page(201, "/portal", t("secret.title"), None, &panel))
        }
        Ok(MadeOnce::Before(key)) => Ok(visitor.page(409, "/portal", t("new.before"), None, &MadeBeforePage { key: &key })),
        Err(Failure::Invalid(faults)) => {
            let faults = FieldFaults::of(&faults);
            Ok(show(call, visitor, 422, &form, &faults, &faults.beside(&key_form::SHOWN), once))
        }
        Err(failure) => {
            let problem = logged(call, failure);
            Ok(show(call, visitor, problem.status(), &form, &FieldFaults::default(), told(&problem), once))
        }
    }
}

fn show(call: &Call<'_>, visitor: &Visitor, status: u16, form: &KeyForm, faults: &FieldFaults, alert: &str, once: &str) -> Reply {
    let own_address = call.client_ip().map(|ip| ip.to_string());
    let fields = form.render(visitor.policy(), Purpose::Create, faults, own_address, call.ports.clock.now());
    visitor.page(status, "/portal", t("new.title"), None, &NewKeyPage { alert, once, fields: &fields })
}

/// A failure that is told within a form, with its cause in the log.
pub fn logged(call: &Call<'_>, failure: Failure) -> Problem {
    let problem = Problem::from(failure);
    if let Some(cause) = problem.cause() {
        worker::console_error!("{} {cause}", call.request_id);
    }
    problem
}

/// What is told of it: the console's words, where it has any.
#[must_use]
pub fn told(problem: &Problem) -> &str {
    find(&format!("problem.{}", problem.code())).unwrap_or_else(|| problem.detail())
}
