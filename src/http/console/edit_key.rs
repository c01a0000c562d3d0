//! Saving what somebody changed of a key.

use serde_json::{Map, Value};

use super::{
    entrance::Visitor,
    faults::FieldFaults,
    form::Form,
    key_form::{self, KeyForm, Purpose},
    key_page::{self, Editing},
    new_key::{logged, told},
    notice,
};
use crate::{
    http::{call::Call, problem::Problem, reply::Reply},
    service::{
        failure::Failure,
        keys::{self, Change},
    },
};

/// Changes what differs from the key as it is, on the version that the form was made of.
///
/// # Errors
/// What has nothing to do with the form.
pub async fn portal_edit_key(call: &Call<'_>, visitor: &Visitor) -> Result<Reply, Problem> {
    let sent = Form::of_body(call)?;
    let form = KeyForm::read(&sent);
    let (policy, now) = (visitor.policy(), call.ports.clock.now());
    let before = keys::get(call.ports, call.param("org"), call.param("key")).await?.key;
    let body = |form: &KeyForm| form.body(policy, Purpose::Edit, now);
    let changes = difference(body(&form), &body(&KeyForm::of(&before)));
    let version: Vec<u64> = sent.one("version").parse().into_iter().collect();
    let change =
        Change { ports: call.ports, org: call.param("org"), key: call.param("key"), if_version: Some(&version), author: call.author() };
    let (status, faults, alert) = match keys::update(&change, &changes).await {
        Ok(changed) => return Ok(notice::see(&format!("/portal/keys/{}", before.id), &[], "saved", changed.in_force_at)),
        Err(Failure::Invalid(faults)) => {
            let faults = FieldFaults::of(&faults);
            let alert = faults.beside(&key_form::SHOWN);
            (422, faults, alert)
        }
        Err(failure) => {
            let problem = logged(call, failure);
            (problem.status(), FieldFaults::default(), told(&problem).to_owned())
        }
    };
    key_page::show(call, visitor, status, Some(Editing { form, faults, alert })).await
}

/// The members that are others than before: a field that nobody touched is not set to what it was.
fn difference(body: Value, before: &Value) -> Value {
    let Value::Object(members) = body else { return body };
    let changed = members.into_iter().filter(|(name, value)| before.get(name) != Some(value));
    Value::Object(changed.collect::<Map<_, _>>())
}
