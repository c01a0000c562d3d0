//! One key: what it is, what it is used for, its secrets, what was done with it.

use askama::Template;

use super::{
    activity::{self, DeedLine},
    audit_page::Line,
    chart::{self, Chart},
    entrance::Visitor,
    faults::FieldFaults,
    form::Form,
    key_form::{KeyForm, Purpose},
    moments::Moment,
    notice,
    row::Row,
    step::Step,
    texts::t,
};
use crate::{
    audit::query::AuditQuery,
    authn::principal::Grant,
    base::time::Timestamp,
    http::{call::Call, markup, problem::Problem, reply::Reply},
    key::{
        record::{KeyRecord, Kind, SecretRecord},
        state::Status,
        view::Insights,
    },
    policy::{console::Labels, rules::Policy},
    service::{audit, failure::Failure, keys, usage},
    usage::recent,
};

const ENTRIES: u32 = 10;

/// What somebody typed that was not saved.
pub struct Editing {
    /// What stands in the fields.
    pub form: KeyForm,
    /// What is wrong with them.
    pub faults: FieldFaults,
    /// What is wrong otherwise.
    pub alert: String,
}

struct SecretLine {
    prefix: String,
    created: Moment,
    /// When it stops working, and whether that is past.
    ends: Option<(Moment, bool)>,
    last_used: Option<Moment>,
    newest: bool,
}

#[derive(Template)]
#[template(path = "console/key.html")]
struct KeyPage<'a> {
    row: &'a Row<'a>,
    key: &'a KeyRecord,
    labels: &'a Labels,
    steps: Vec<Step>,
    fields: Option<String>,
    alert: &'a str,
    addresses: Vec<String>,
    all_permissions: Vec<&'a str>,
    expires: Option<Moment>,
    reason: Option<&'a str>,
    revoked_by: Option<&'a str>,
    chart: Option<String>,
    usage_fails: bool,
    secrets: Vec<SecretLine>,
    overlap_until: Option<Moment>,
    deeds: Option<Vec<DeedLine>>,
    entries: Option<Vec<String>>,
    /// What an active key could do without.
    insights: Option<Insights<'a>>,
}

/// The key's page.
///
/// # Errors
/// 404, a switched-off feature, or an outage of what the page is about. Without the key's guard it comes without usage.
pub async fn portal_show_key(call: &Call<'_>, visitor: &Visitor) -> Result<Reply, Problem> {
    show(call, visitor, 200, None).await
}

/// The page, with what somebody typed that was not saved.
///
/// # Errors
/// As [`portal_show_key`].
pub async fn show(call: &Call<'_>, visitor: &Visitor, status: u16, editing: Option<Editing>) -> Result<Reply, Problem> {
    let (ports, org, id) = (call.ports, call.param("org"), call.param("key"));
    let query = Form::of_query(call);
    let (word, range) = chart::range(query.one("range"));
    let sees_usage = visitor.may(Grant::UsageRead);
    let used = keys::get(ports, org, id).await?;
    let key = &used.key;
    let summary = async { if sees_usage { Some(usage::summary(ports, org, id, range).await) } else { None } };
    let deeds = async { if sees_usage { usage::activity(ports, org, id).await.ok() } else { None } };
    let entries = async { if visitor.may(Grant::AuditRead) { Some(last_entries(call, id).await) } else { None } };
    let (summary, deeds, entries) = futures_util::future::join3(summary, deeds, entries).await;
    let (policy, now) = (visitor.policy(), ports.clock.now());
    let edits = visitor.may(Grant::KeysWrite) && policy.editing && key.kind == Kind::Standard && key.status(now) == Status::Active;
    let alert = editing.as_ref().map(|editing| editing.alert.as_str()).unwrap_or_default().to_owned();
    let usage_fails = matches!(&summary, Some(Err(_)));
    let path = format!("/portal/keys/{}", key.id);
    let chart = summary.and_then(Result::ok).map(|summary| Chart::of(&summary, word, &path));
    let mut row = Row::of(key, None, now);
    // The guard knows it sooner than the record.
    let last_used = chart.as_ref().and_then(|chart| chart.last_used).max(key.last_used_at);
    row.last_used = last_used.map(|at| Moment::ago(at, now));
    // What was used, but not rolled up yet, is not called unused.
    let insights = match (last_used, &used.recent) {
        (Some(_), None) => None,
        (_, recent) => Some(Insights { never_used: last_used.is_none(), ..recent::insights(key, recent.as_ref(), now) }),
    };
    let page = KeyPage {
        row: &row,
        labels: &policy.console.labels,
        steps: if visitor.may(Grant::KeysWrite) { Step::all_of(key, policy, now) } else { Vec::new() },
        fields: edits.then(|| fields(call, key, policy, editing, now)),
        alert: &alert,
        addresses: key.ip_allowlist.iter().map(ToString::to_string).collect(),
        all_permissions: key.permissions.iter().map(|permission| permission.as_str()).collect(),
        expires: key.expires_at.map(Moment::minute),
        reason: key.revocation.as_ref().and_then(|note| note.reason.as_deref()),
        revoked_by: key.revocation.as_ref().map(|note| note.by.name.as_str()),
        chart: chart.map(|chart| markup::render(&chart)),
        usage_fails,
        secrets: key.secrets.iter().enumerate().map(|(index, secret)| secret_line(secret, index == 0, now)).collect(),
        overlap_until: key.overlap_until(now).map(Moment::minute),
        deeds: deeds.map(|(_, deeds)| activity::lines(deeds, now)),
        entries: entries.transpose()?,
        key,
        insights: insights.filter(|_| sees_usage && key.status(now) == Status::Active),
    };
    let title = format!("{} · {}", key.name, t("nav.keys"));
    Ok(visitor.page(status, "/portal", &title, notice::read(&query).as_deref(), &page))
}

async fn last_entries(call: &Call<'_>, key: &str) -> Result<Vec<String>, Failure> {
    let query = AuditQuery { action: None, target: Some(key.to_owned()), actor: None, from: None, to: None, after: None, limit: ENTRIES };
    let page = audit::list(call.ports, call.param("org"), query, None).await?;
    Ok(page.items.iter().map(|entry| Line::html(entry, "/portal/audit")).collect())
}

fn fields(call: &Call<'_>, key: &KeyRecord, policy: &Policy, editing: Option<Editing>, now: Timestamp) -> String {
    let (form, faults) = match editing {
        Some(editing) => (editing.form, editing.faults),
        None => (KeyForm::of(key), FieldFaults::default()),
    };
    form.render(policy, Purpose::Edit, &faults, call.client_ip().map(|ip| ip.to_string()), now)
}

fn secret_line(secret: &SecretRecord, newest: bool, now: Timestamp) -> SecretLine {
    SecretLine {
        prefix: secret.prefix.to_string(),
        created: Moment::day(secret.created_at),
        ends: secret.expires_at.map(|end| (Moment::minute(end), end <= now)),
        last_used: secret.last_used_at.map(|at| Moment::ago(at, now)),
        newest,
    }
}
