//! Taking a step: being asked first, and what comes of it. A page that says that something is done comes when it is in force.

use askama::Template;
use serde_json::{Map, Value, json};

use super::{
    entrance::Visitor,
    faults::FieldFaults,
    form::Form,
    keys_page::View,
    moments::Moment,
    new_key::{logged, told},
    notice,
    secret_panel::SecretPanel,
    step::Step,
    texts::{self, fill, t},
};
use crate::{
    base::time::Timestamp,
    http::{
        call::Call,
        console::{entrance, form},
        problem::Problem,
        reply::Reply,
    },
    key::record::KeyRecord,
    policy::rules::Revocation,
    service::{
        failure::Failure,
        keys::{self, Change},
    },
};

/// How long both secrets may work, in seconds, and what that is called.
const OVERLAPS: [(u64, &str); 5] = [
    (0, "step.rotate.none"),
    (3_600, "step.rotate.hour"),
    (86_400, "step.rotate.day"),
    (604_800, "step.rotate.week"),
    (2_592_000, "step.rotate.month"),
];
const STANDARD_OVERLAP: &str = "86400";

#[derive(Template)]
#[template(path = "console/step.html")]
struct StepPage<'a> {
    step: Step,
    key: &'a KeyRecord,
    is_there: bool,
    more: Vec<String>,
    alert: &'a str,
    back: &'a str,
    reason: &'a str,
    faults: &'a FieldFaults,
    overlaps: Vec<(u64, &'static str, bool)>,
    home: String,
    until: Option<Moment>,
}

/// What was sent with a step, or nothing yet.
struct Sent {
    back: String,
    reason: String,
    overlap: String,
}

impl Sent {
    fn read(form: &Form) -> Self {
        let overlap = form.some("overlap").unwrap_or(STANDARD_OVERLAP).to_owned();
        Self { back: form.one("back").to_owned(), reason: form.one("reason").to_owned(), overlap }
    }
}

/// The question before a step.
///
/// # Errors
/// 404 for another step or key, or an outage.
pub async fn portal_ask(call: &Call<'_>, visitor: &Visitor) -> Result<Reply, Problem> {
    let query = Form::of_query(call);
    let step = Step::parse(query.one("step")).ok_or_else(entrance::nowhere)?;
    show(call, visitor, 200, step, &Sent::read(&query), "", &FieldFaults::default()).await
}

/// Revokes a key.
///
/// # Errors
/// What a page cannot say better.
pub async fn portal_revoke_key(call: &Call<'_>, visitor: &Visitor) -> Result<Reply, Problem> {
    let sent = Sent::read(&Form::of_body(call)?);
    let mut body = Map::new();
    if !sent.reason.trim().is_empty() {
        body.insert("reason".to_owned(), sent.reason.trim().into());
    }
    let changed = keys::revoke(&change(call), Some(&body.into())).await.map(|changed| changed.in_force_at);
    conclude(call, visitor, Step::Revoke, sent, changed).await
}

/// Brings a key back.
///
/// # Errors
/// As [`portal_revoke_key`].
pub async fn portal_reactivate_key(call: &Call<'_>, visitor: &Visitor) -> Result<Reply, Problem> {
    let sent = Sent::read(&Form::of_body(call)?);
    let changed = keys::reactivate(&change(call), None).await.map(|changed| changed.in_force_at);
    conclude(call, visitor, Step::Reactivate, sent, changed).await
}

/// Removes a key for good.
///
/// # Errors
/// As [`portal_revoke_key`].
pub async fn portal_delete_key(call: &Call<'_>, visitor: &Visitor) -> Result<Reply, Problem> {
    let sent = Sent::read(&Form::of_body(call)?);
    match keys::delete(&change(call)).await {
        // There is no page of it any more.
        Ok(()) => Ok(notice::see("/portal", &View::read(&Form::read(sent.back.as_bytes())).pairs(), Step::Delete.word(), None)),
        Err(failure) => conclude(call, visitor, Step::Delete, sent, Err(failure)).await,
    }
}

/// Gives a key a new secret, and shows it.
///
/// # Errors
/// As [`portal_revoke_key`].
pub async fn portal_rotate_key(call: &Call<'_>, visitor: &Visitor) -> Result<Reply, Problem> {
    let sent = Sent::read(&Form::of_body(call)?);
    let seconds = sent.overlap.parse::<u64>().map_or_else(|_| Value::from(sent.overlap.as_str()), Value::from);
    match keys::rotate(&change(call), &json!({"overlap_seconds": seconds})).await {
        Ok(rotated) => {
            let panel = SecretPanel::of_rotated(call, &rotated.key, rotated.secret.expose());
            Ok(visitor.page(200, "/portal", t("secret.title"), None, &panel))
        }
        Err(failure) => conclude(call, visitor, Step::Rotate, sent, Err(failure)).await,
    }
}

/// Ends the overlap of a rotation.
///
/// # Errors
/// As [`portal_revoke_key`].
pub async fn portal_complete_rotation(call: &Call<'_>, visitor: &Visitor) -> Result<Reply, Problem> {
    let sent = Sent::read(&Form::of_body(call)?);
    let changed = keys::complete_rotation(&change(call), None).await.map(|changed| changed.in_force_at);
    conclude(call, visitor, Step::Complete, sent, changed).await
}

fn change<'a>(call: &'a Call<'_>) -> Change<'a> {
    Change { ports: call.ports, org: call.param("org"), key: call.param("key"), if_version: None, author: call.author() }
}

/// The page after a step, or the question once more with what stands in its way.
async fn conclude(
    call: &Call<'_>,
    visitor: &Visitor,
    step: Step,
    sent: Sent,
    outcome: Result<Option<Timestamp>, Failure>,
) -> Result<Reply, Problem> {
    match outcome {
        Ok(since) if sent.back == "key" => Ok(notice::see(&format!("/portal/keys/{}", call.param("key")), &[], step.word(), since)),
        Ok(since) => Ok(notice::see("/portal", &View::read(&Form::read(sent.back.as_bytes())).pairs(), step.word(), since)),
        Err(Failure::Invalid(faults)) => {
            let faults = FieldFaults::of(&faults);
            show(call, visitor, 422, step, &sent, &faults.beside(&["reason"]), &faults).await
        }
        Err(failure) => {
            let problem = logged(call, failure);
            show(call, visitor, problem.status(), step, &sent, told(&problem), &FieldFaults::default()).await
        }
    }
}

async fn show(
    call: &Call<'_>,
    visitor: &Visitor,
    status: u16,
    step: Step,
    sent: &Sent,
    alert: &str,
    faults: &FieldFaults,
) -> Result<Reply, Problem> {
    let key = keys::get(call.ports, call.param("org"), call.param("key")).await?.key;
    let (policy, now) = (visitor.policy(), call.ports.clock.now());
    let more = match (step, policy.revocation) {
        (Step::Revoke, revocation) => {
            let seconds = policy.consistency.lease_ms.div_ceil(1000).max(1);
            let undo = if revocation == Revocation::Reversible { t("revoke.reversible") } else { t("revoke.permanent") };
            vec![fill("revoke.when", seconds), undo.to_owned()]
        }
        (Step::Rotate | Step::Complete | Step::Reactivate | Step::Delete, _) => Vec::new(),
    };
    let home = if sent.back == "key" {
        format!("/portal/keys/{}", key.id)
    } else {
        form::address("/portal", &View::read(&Form::read(sent.back.as_bytes())).pairs())
    };
    let page = StepPage {
        step,
        is_there: step.is_there(&key, policy, now),
        more,
        alert,
        back: &sent.back,
        reason: &sent.reason,
        faults,
        overlaps: OVERLAPS.iter().map(|(seconds, text)| (*seconds, text_key(text), sent.overlap == seconds.to_string())).collect(),
        home,
        until: key.overlap_until(now).map(Moment::minute),
        key: &key,
    };
    Ok(visitor.page(status, "/portal", texts::find(&format!("step.{}.title", step.word())).unwrap_or_default(), None, &page))
}

fn text_key(key: &str) -> &'static str {
    texts::find(key).unwrap_or_default()
}
