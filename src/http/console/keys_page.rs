//! The list of keys.

use askama::Template;

use super::{
    entrance::Visitor,
    form::{self, Form},
    notice,
    row::{Row, RowUsage},
    step::Step,
    texts::t,
};
use crate::{
    authn::principal::Grant,
    http::{call::Call, problem::Problem, reply::Reply},
    key::{
        query::{KeyQuery, Sort},
        record::Kind,
        state::Status,
    },
    policy::console::Labels,
    service::{keys, page::Page},
    token::format::contains_key,
};

const ROWS: u32 = 20;
const MAX_SEARCH_CHARS: usize = 100;
const ENDED: &str = "ended";

/// What of the address makes the list: kept from page to page, and through what is done with a key of it.
pub struct View {
    tab: String,
    search: String,
    sort: String,
    cursor: String,
}

impl View {
    /// Of an address, or of what a form kept of one.
    #[must_use]
    pub fn read(query: &Form) -> Self {
        let sort = query.some("sort").filter(|text| Sort::parse(text).is_some());
        Self {
            tab: if query.one("tab") == ENDED { ENDED } else { "" }.to_owned(),
            search: query.one("q").trim().to_owned(),
            sort: sort.unwrap_or_default().to_owned(),
            cursor: query.one("cursor").to_owned(),
        }
    }

    /// As pairs of an address.
    #[must_use]
    pub fn pairs(&self) -> [(&str, &str); 4] {
        [("tab", &self.tab), ("q", &self.search), ("sort", &self.sort), ("cursor", &self.cursor)]
    }

    fn is_ended(&self) -> bool {
        self.tab == ENDED
    }

    /// The same list from its beginning, in another order or tab.
    fn address(&self, tab: &str, sort: &str) -> String {
        form::address("/portal", &[("tab", tab), ("q", &self.search), ("sort", sort)])
    }

    /// Why nothing can be looked up by that text.
    fn fault(&self) -> Option<&'static str> {
        match () {
            () if contains_key(&self.search) => Some(t("list.search.key")),
            () if self.search.chars().count() > MAX_SEARCH_CHARS || self.search.chars().any(char::is_control) => Some(t("list.search.odd")),
            () => None,
        }
    }
}

/// A column that the list can be sorted by.
struct Column {
    text: String,
    href: String,
    /// `ascending`, `descending` or `none`, as ARIA has it.
    order: &'static str,
}

#[derive(Template)]
#[template(path = "console/keys.html")]
struct KeysPage<'a> {
    rows: Vec<Row<'a>>,
    view: &'a View,
    fault: Option<&'static str>,
    name: Column,
    used: Column,
    created: Column,
    labels: &'a Labels,
    next: Option<String>,
    /// The list as it is, as a part of an address.
    back: String,
    may_write: bool,
    steps: Vec<Vec<Step>>,
}

#[derive(Template)]
#[template(path = "console/nothing.html")]
struct NothingPage;

/// The keys of the organization, as far as the role sees them.
///
/// # Errors
/// A foreign cursor, a switched-off feature, or an outage.
pub async fn portal(call: &Call<'_>, visitor: &Visitor) -> Result<Reply, Problem> {
    if !visitor.may(Grant::KeysRead) {
        return Ok(visitor.page(200, "/portal", t("nav.keys"), None, &NothingPage));
    }
    let query = Form::of_query(call);
    let view = View::read(&query);
    let now = call.ports.clock.now();
    let fault = view.fault();
    let found = match fault {
        None => {
            keys::list(call.ports, call.param("org"), asked(&view, now), Some(view.cursor.as_str()).filter(|cursor| !cursor.is_empty()))
                .await?
        }
        Some(_) => Page { items: Vec::new(), next_cursor: None },
    };
    let usage: Vec<_> = found.items.iter().map(|used| used.recent.as_ref().map(|recent| RowUsage::of(recent, now))).collect();
    let may_write = visitor.may(Grant::KeysWrite);
    let labels = &visitor.policy().console.labels;
    let column = |text: &str, field: &'static str| column(&view, text, field);
    let steps = found.items.iter().map(|used| if may_write { Step::of_row(&used.key, visitor.policy(), now) } else { Vec::new() });
    let page = KeysPage {
        steps: steps.collect(),
        rows: found.items.iter().zip(&usage).map(|(used, usage)| Row::of(&used.key, usage.as_ref(), now)).collect(),
        fault,
        name: column(&labels.name, "name"),
        used: column(t("list.used"), "last_used_at"),
        created: column(t("list.created"), "created_at"),
        labels,
        next: found
            .next_cursor
            .map(|cursor| form::address("/portal", &[("tab", &view.tab), ("q", &view.search), ("sort", &view.sort), ("cursor", &cursor)])),
        back: form::query(&[("back", &form::query(&view.pairs()))]),
        may_write,
        view: &view,
    };
    Ok(visitor.page(200, "/portal", t("nav.keys"), notice::read(&query).as_deref(), &page))
}

fn asked(view: &View, now: crate::base::time::Timestamp) -> KeyQuery {
    let statuses = if view.is_ended() { vec![Status::Revoked, Status::Expired] } else { vec![Status::Active] };
    let search = Some(view.search.clone()).filter(|text| !text.is_empty());
    KeyQuery { statuses, kind: None, search, sort: Sort::parse(&view.sort).unwrap_or_default(), after: None, limit: ROWS, now }
}

/// A first click sorts as the column is mostly wanted: names from A, times from the newest.
fn column(view: &View, text: &str, field: &'static str) -> Column {
    let current = if view.sort.is_empty() { "-created_at" } else { view.sort.as_str() };
    let (order, next) = match current.strip_prefix('-') {
        Some(name) if name == field => ("descending", field.to_owned()),
        None if current == field => ("ascending", format!("-{field}")),
        _ if field == "name" => ("none", field.to_owned()),
        _ => ("none", format!("-{field}")),
    };
    Column { text: text.to_owned(), href: view.address(&view.tab, &next), order }
}

impl KeysPage<'_> {
    fn is_temporary(&self, row: &Row<'_>) -> bool {
        row.key.kind == Kind::Playground
    }

    fn steps_of(&self, index: &usize) -> &[Step] {
        self.steps.get(*index).map(Vec::as_slice).unwrap_or_default()
    }

    fn empty(&self) -> (&'static str, &'static str) {
        match () {
            () if !self.view.search.is_empty() => (t("list.none.found"), t("list.none.found.more")),
            () if self.view.is_ended() => (t("list.none.ended"), t("list.none.ended.more")),
            () => (t("list.none"), t("list.none.more")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_turn_around_and_keep_what_is_searched_for() {
        let view = View::read(&Form::read(b"q=zap&sort=name&cursor=abc&tab=ended&colour=red"));
        let name = column(&view, "Name", "name");
        assert_eq!((name.order, name.href.as_str()), ("ascending", "/portal?tab=ended&q=zap&sort=-name"));
        assert_eq!(column(&view, "Created", "created_at").href, "/portal?tab=ended&q=zap&sort=-created_at");
        let plain = View::read(&Form::read(b"sort=colour&tab=x"));
        assert_eq!(plain.pairs(), [("tab", ""), ("q", ""), ("sort", ""), ("cursor", "")]);
        assert_eq!(column(&plain, "Created", "created_at").order, "descending", "as the list is without being asked");
    }

    #[test]
    fn a_whole_key_is_not_searched_for() {
        let view = View { tab: String::new(), search: crate::testing::fixtures::credential(), sort: String::new(), cursor: String::new() };
        assert!(view.fault().is_some());
    }
}
