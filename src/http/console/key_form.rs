//! The fields of a key, as a person fills them in: for a new key and for an edit.
//!
//! In scope: what fields show, and the document that they come to. Out of scope: what is allowed: the document is read by
//! the same code as the API's.

use askama::Template;
use serde_json::{Map, Value, json};

use super::{
    faults::FieldFaults,
    form::Form,
    rates,
    texts::{fill, t},
};
use crate::{
    base::time::Timestamp,
    http::markup,
    key::record::KeyRecord,
    policy::{catalog::Resource, rules::Policy, scope::Permission},
};

const DAY_SECONDS: u64 = 86_400;
const PRESET_DAYS: [u64; 4] = [7, 30, 90, 365];
/// With more actions than this, a grid of columns would be mostly holes.
const MAX_COLUMNS: usize = 6;

/// What stands in the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyForm {
    name: String,
    permissions: Vec<String>,
    limit: String,
    window: String,
    addresses: String,
    /// `none`, a number of days, or `date`.
    expiry: String,
    date: String,
    impersonate: bool,
}

/// Which fields there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// All.
    Create,
    /// Those that the policy lets people edit.
    Edit,
}

impl KeyForm {
    /// A new key's.
    #[must_use]
    pub fn blank(policy: &Policy) -> Self {
        let expiry = if policy.max_lifetime_seconds.is_some() { "date" } else { "none" };
        Self { expiry: expiry.to_owned(), ..Self::default() }
            .with_rate(policy.default_rate_limit.map(|rate| (rate.limit, rate.window_seconds)))
    }

    /// A key's, as it is.
    #[must_use]
    pub fn of(key: &KeyRecord) -> Self {
        let addresses: Vec<String> = key.ip_allowlist.iter().map(ToString::to_string).collect();
        let date = key.expires_at.map(|end| end.to_string().chars().take(10).collect());
        let form = Self {
            name: key.name.to_string(),
            permissions: key.permissions.iter().map(ToString::to_string).collect(),
            addresses: addresses.join("\n"),
            expiry: if date.is_some() { "date" } else { "none" }.to_owned(),
            date: date.unwrap_or_default(),
            impersonate: key.can_impersonate,
            ..Self::default()
        };
        form.with_rate(key.rate_limit.map(|rate| (rate.limit, rate.window_seconds)))
    }

    fn with_rate(self, rate: Option<(u32, u32)>) -> Self {
        let limit = rate.map(|(limit, _)| limit.to_string()).unwrap_or_default();
        Self { limit, window: rate.map_or(60, |(_, window)| window).to_string(), ..self }
    }

    /// What somebody filled in.
    #[must_use]
    pub fn read(form: &Form) -> Self {
        let one = |name| form.one(name).to_owned();
        Self {
            name: one("name"),
            permissions: form.all("permissions").map(str::to_owned).collect(),
            limit: one("limit").trim().to_owned(),
            window: one("window"),
            addresses: one("addresses"),
            expiry: one("expiry"),
            date: one("date"),
            impersonate: form.some("impersonate").is_some(),
        }
    }

    /// The body that the API would get.
    #[must_use]
    pub fn body(&self, policy: &Policy, purpose: Purpose, now: Timestamp) -> Value {
        let number = |text: &str| text.parse::<u64>().map_or_else(|_| Value::from(text), Value::from);
        let rate = match self.limit.as_str() {
            "" => Value::Null,
            limit => json!({"limit": number(limit), "window_seconds": number(&self.window)}),
        };
        let lines = self.addresses.split(['\n', ',']).map(str::trim).filter(|line| !line.is_empty());
        let mut body = Map::new();
        let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
        put("name", self.name.as_str().into());
        put("permissions", self.permissions.iter().map(String::as_str).collect());
        put("rate_limit", rate);
        put("ip_allowlist", lines.collect());
        if has_expiry(policy, purpose) {
            put("expires_at", self.expires_at(now));
        }
        if policy.impersonation {
            put("can_impersonate", self.impersonate.into());
        }
        body.into()
    }

    fn expires_at(&self, now: Timestamp) -> Value {
        match (self.expiry.as_str(), self.expiry.parse::<u64>()) {
            ("none", _) => Value::Null,
            (_, Ok(days)) => now.plus_ms(i64::try_from(days.saturating_mul(DAY_SECONDS * 1000)).unwrap_or(i64::MAX)).to_string().into(),
            // The whole of that day, so that nobody loses the day that they chose.
            _ if !self.date.is_empty() => format!("{}T23:59:59.999Z", self.date).into(),
            _ => "".into(),
        }
    }

    /// The fields as HTML.
    #[must_use]
    pub fn render(&self, policy: &Policy, purpose: Purpose, faults: &FieldFaults, own_address: Option<String>, now: Timestamp) -> String {
        let resources = policy.resources.resources();
        let columns = columns(resources);
        let grid = resources.iter().map(|resource| self.line(resource, &columns));
        let mut windows: Vec<u32> = rates::WINDOWS.to_vec();
        let window = self.window.parse().unwrap_or(60);
        if !windows.contains(&window) {
            windows.push(window);
        }
        let fields = Fields {
            is_new: purpose == Purpose::Create,
            form: self,
            faults,
            labels: &policy.console.labels,
            grid: grid.collect(),
            // A cell of the grid for each action that some resource has, while that is not mostly holes.
            is_wide: columns.len() <= MAX_COLUMNS,
            needs_one: policy.require_permission,
            windows: windows.into_iter().map(|seconds| (seconds, rates::window(seconds), seconds == window)).collect(),
            rate_hint: match policy.max_rate_limit {
                Some(max) => fill("field.rate.most", rates::shown(Some(max))),
                None => t("field.rate.free").to_owned(),
            },
            own_address,
            has_expiry: has_expiry(policy, purpose),
            presets: presets(policy),
            may_last: policy.max_lifetime_seconds.is_none(),
            today: now.to_string().chars().take(10).collect(),
            impersonation: policy.impersonation,
        };
        markup::render(&fields)
    }

    fn line(&self, resource: &Resource, columns: &[String]) -> Line {
        let cell = |permission: Permission, action: &str| Cell {
            checked: self.permissions.iter().any(|held| held == permission.as_str()),
            value: permission.to_string(),
            action: action.to_owned(),
        };
        let cells = columns.iter().map(|column| {
            let has = resource.actions.contains(column);
            has.then(|| cell(Permission::of(&resource.name, column), column))
        });
        let whole = resource.actions.is_empty().then(|| cell(Permission::capability(&resource.name), t("field.permissions.whole")));
        Line {
            title: resource.title.clone(),
            name: resource.name.clone(),
            description: resource.description.clone(),
            cells: cells.collect(),
            whole,
        }
    }
}

fn has_expiry(policy: &Policy, purpose: Purpose) -> bool {
    purpose == Purpose::Create || policy.expiry_editable
}

fn columns(resources: &[Resource]) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    for action in resources.iter().flat_map(|resource| &resource.actions) {
        if !columns.contains(action) {
            columns.push(action.clone());
        }
    }
    columns
}

fn presets(policy: &Policy) -> Vec<(u64, String)> {
    let fits = |days: &u64| policy.max_lifetime_seconds.is_none_or(|max| days * DAY_SECONDS <= max);
    PRESET_DAYS.into_iter().filter(fits).map(|days| (days, fill("field.expiry.days", days))).collect()
}

struct Line {
    title: String,
    name: String,
    description: String,
    cells: Vec<Option<Cell>>,
    whole: Option<Cell>,
}

struct Cell {
    value: String,
    action: String,
    checked: bool,
}

#[derive(Template)]
#[template(path = "console/key_fields.html")]
struct Fields<'a> {
    is_new: bool,
    form: &'a KeyForm,
    faults: &'a FieldFaults,
    labels: &'a crate::policy::console::Labels,
    grid: Vec<Line>,
    is_wide: bool,
    needs_one: bool,
    windows: Vec<(u32, String, bool)>,
    rate_hint: String,
    own_address: Option<String>,
    has_expiry: bool,
    presets: Vec<(u64, String)>,
    may_last: bool,
    today: String,
    impersonation: bool,
}

/// The fields that show their own faults.
pub const SHOWN: [&str; 6] = ["name", "permissions", "rate_limit", "ip_allowlist", "expires_at", "can_impersonate"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixtures::{self, NOW};

    fn read(text: &str) -> KeyForm {
        KeyForm::read(&Form::read(text.as_bytes()))
    }

    #[test]
    fn a_form_comes_to_the_body_of_the_api() {
        let policy = fixtures::policy(json!({"impersonation": true}));
        let form = read(
            "name=Zapier&permissions=leads%3Aread&permissions=leads%3Acreate&limit=60&window=60&addresses=10.0.0.1%0D%0A%0D%0A+2001:db8::/32,10.0.0.2&expiry=date&date=2031-01-31&impersonate=on",
        );
        let body = json!({"name": "Zapier", "permissions": ["leads:read", "leads:create"], "rate_limit": {"limit": 60, "window_seconds": 60},
            "ip_allowlist": ["10.0.0.1", "2001:db8::/32", "10.0.0.2"], "expires_at": "2031-01-31T23:59:59.999Z", "can_impersonate": true});
        assert_eq!(form.body(&policy, Purpose::Create, NOW), body);
    }

    #[test]
    fn what_the_policy_fixes_is_not_sent() {
        let body = read("name=a&limit=&expiry=30").body(&fixtures::policy(json!({})), Purpose::Edit, NOW);
        assert_eq!(body, json!({"name": "a", "permissions": [], "rate_limit": null, "ip_allowlist": []}));
    }

    #[test]
    fn presets_count_from_now_and_keep_to_the_longest_life() {
        let expires_at = |text: &str| read(text).body(&fixtures::policy(json!({})), Purpose::Create, NOW)["expires_at"].clone();
        assert_eq!(expires_at("expiry=30"), json!(NOW.plus_ms(30 * 86_400_000).to_string()));
        assert_eq!([expires_at("expiry=none"), expires_at("expiry=date"), expires_at("")], [json!(null), json!(""), json!("")]);
        let days = |max: Value| {
            presets(&fixtures::policy(json!({"max_lifetime_seconds": max}))).into_iter().map(|(days, _)| days).collect::<Vec<_>>()
        };
        assert_eq!((days(json!(null)), days(json!(30 * 86_400))), (vec![7, 30, 90, 365], vec![7, 30]));
    }

    #[test]
    fn an_untouched_edit_changes_nothing() {
        let organization = fixtures::organization(json!({"impersonation": true, "expiry_editable": true}));
        let made = json!({"name": "a <b>", "permissions": ["leads:update"], "ip_allowlist": ["10.0.0.0/8", "10.1.1.1"], "rate_limit": null, "can_impersonate": true});
        let key = fixtures::key_of(&organization, made);
        let body = KeyForm::of(&key).body(&organization.policy, Purpose::Edit, NOW);
        let edit = crate::key::edit::KeyEdit::read(&body, &organization.policy, NOW, NOW).unwrap();
        assert_eq!(edit.apply(&key, NOW), key);
    }

    #[test]
    fn only_boxes_of_permissions_that_exist_are_there() {
        let policy = fixtures::policy(json!({"resources": [
            {"name": "jobs", "actions": ["read", "write"]}, {"name": "prices", "actions": ["read"]}]}));
        let html = KeyForm::blank(&policy).render(&policy, Purpose::Create, &FieldFaults::default(), None, NOW);
        for there in ["jobs:read", "jobs:write", "prices:read"] {
            assert!(html.contains(&format!("value=\"{there}\"")), "{there}");
        }
        assert!(!html.contains("prices:write") && !html.contains(" checked><span>read"), "{html}");
        assert_eq!(html.matches("name=\"permissions\"").count(), 3);
    }
}
