//! One organization: its name, its features, its policy as a document.

use askama::Template;
use serde_json::{Map, Value, json};

use super::super::{
    faults::FieldFaults,
    form::Form,
    moments::Moment,
    new_key::{logged, told},
    notice,
    texts::{fill, t},
};
use crate::{
    base::{
        document::{self, Fault},
        strict_json,
    },
    http::{call::Call, problem::Problem, reply::Reply},
    policy::org::Organization,
    service::{failure::Failure, orgs},
};

/// A fault of the policy: where it stands within the document, and what is wrong.
struct PolicyFault {
    pointer: String,
    detail: String,
}

/// What stands in the form.
struct Fields {
    name: String,
    features: Vec<(String, bool)>,
    added: String,
    policy: String,
}

#[derive(Template)]
#[template(path = "console/operator_org.html")]
struct OrgPage<'a> {
    org: &'a Organization,
    fields: &'a Fields,
    version: u64,
    created: Moment,
    needs: Option<&'a str>,
    alert: String,
    faults: FieldFaults,
    policy_faults: Vec<PolicyFault>,
    is_reserved: bool,
}

/// The organization's page.
///
/// # Errors
/// 404, or an outage.
pub async fn operator_org(call: &Call<'_>) -> Result<Reply, Problem> {
    let org = orgs::get(call.ports, call.param("org")).await?;
    let fields = Fields {
        name: org.name.clone(),
        features: org.features.iter().map(|(name, on)| (name.clone(), *on)).collect(),
        added: String::new(),
        policy: indented(&serde_json::to_string(&org.policy).unwrap_or_default()),
    };
    Ok(show(call, &org, 200, &fields, &[], String::new()))
}

/// Puts what the form holds in place of the organization's name, features and policy.
///
/// # Errors
/// 404, or an outage before anything was tried.
pub async fn operator_edit_org(call: &Call<'_>) -> Result<Reply, Problem> {
    let sent = Form::of_body(call)?;
    let org = orgs::get(call.ports, call.param("org")).await?;
    let fields = Fields::read(&sent);
    let policy = match strict_json::read(fields.policy.as_bytes()) {
        Ok(policy) => policy,
        Err(error) => {
            let fault = Fault { pointer: "/policy".to_owned(), detail: fill("org.policy.syntax", error), kind: document::FaultKind::Shape };
            return Ok(show(call, &org, 422, &fields, &[fault], String::new()));
        }
    };
    let document = json!({"name": fields.name, "features": fields.features(), "policy": policy});
    let version: Vec<u64> = sent.one("version").parse().into_iter().collect();
    match orgs::replace(call.ports, call.param("org"), &document, Some(&version), call.origin()).await {
        Ok(changed) => Ok(notice::see(&format!("/operator/orgs/{}", org.id), &[], "saved", changed.in_force_at)),
        Err(Failure::Invalid(faults)) => Ok(show(call, &org, 422, &fields, &faults, String::new())),
        Err(failure) => {
            let problem = logged(call, failure);
            Ok(show(call, &org, problem.status(), &fields, &[], told(&problem).to_owned()))
        }
    }
}

impl Fields {
    fn read(form: &Form) -> Self {
        let on: Vec<&str> = form.all("feature").collect();
        Self {
            name: form.one("name").to_owned(),
            features: form.all("known").map(|name| (name.to_owned(), on.contains(&name))).collect(),
            added: form.one("added").trim().to_owned(),
            policy: form.one("policy").to_owned(),
        }
    }

    fn features(&self) -> Map<String, Value> {
        let added = Some((self.added.clone(), true)).filter(|(name, _)| !name.is_empty());
        self.features.clone().into_iter().chain(added).map(|(name, on)| (name, on.into())).collect()
    }
}

fn show(call: &Call<'_>, org: &Organization, status: u16, fields: &Fields, faults: &[Fault], alert: String) -> Reply {
    let within = |fault: &Fault| fault.pointer.strip_prefix("/policy").map(|pointer| (pointer.to_owned(), fault.detail.clone()));
    let page = OrgPage {
        org,
        fields,
        version: org.version,
        created: Moment::minute(org.created_at),
        needs: org.policy.requires_feature.as_deref(),
        alert: if faults.is_empty() { alert } else { t("org.faults").to_owned() },
        faults: FieldFaults::of(faults),
        policy_faults: faults.iter().filter_map(within).map(|(pointer, detail)| PolicyFault { pointer, detail }).collect(),
        is_reserved: org.id.is_reserved(),
    };
    super::page(status, "", &org.name, notice::read(&Form::of_query(call)).as_deref(), &page)
}

/// JSON text with a line for each member. Short lists and objects stay on theirs: a route or a rate is read at a glance.
fn indented(json: &str) -> String {
    const SHORT: usize = 100;
    let Ok(value) = serde_json::from_str::<Value>(json) else { return json.to_owned() };
    let mut text = String::new();
    write(&value, 0, &mut text);
    return text;

    fn write(value: &Value, depth: usize, text: &mut String) {
        let whole = value.to_string();
        let pad = |text: &mut String, depth: usize| {
            text.push('\n');
            text.extend(std::iter::repeat_n("  ", depth));
        };
        let is_short = depth > 0 && whole.len() <= SHORT;
        match value {
            Value::Object(members) if !is_short && !members.is_empty() => {
                text.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    text.push_str(if index > 0 { "," } else { "" });
                    pad(text, depth + 1);
                    text.push_str(&Value::from(name.as_str()).to_string());
                    text.push_str(": ");
                    write(value, depth + 1, text);
                }
                pad(text, depth);
                text.push('}');
            }
            Value::Array(items) if !is_short && !items.is_empty() => {
                text.push('[');
                for (index, value) in items.iter().enumerate() {
                    text.push_str(if index > 0 { "," } else { "" });
                    pad(text, depth + 1);
                    write(value, depth + 1, text);
                }
                pad(text, depth);
                text.push(']');
            }
            _ => text.push_str(&whole),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_indented_document_is_the_same_document() {
        for profile in ["field-service", "automation", "leads-api", "voice-agents"] {
            let path = format!("{}/profiles/{profile}.json", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(path).unwrap();
            let value: Value = serde_json::from_str(&text).unwrap();
            let shown = indented(&value.to_string());
            assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), value);
            assert!(shown.lines().count() > 20 && shown.starts_with("{\n  \"key_prefix\": "), "{shown}");
        }
    }

    #[test]
    fn features_that_are_not_ticked_are_off_and_new_ones_on() {
        let fields = Fields::read(&Form::read(b"known=a&known=b&feature=b&added=+c+&name=x&policy=%7B%7D"));
        assert_eq!(Value::Object(fields.features()), json!({"a": false, "b": true, "c": true}));
    }
}
