//! Keys of an organization.

use serde::Serialize;

use super::{
    conditions::{etag, unless_known, versions},
    life::change,
    page::{page_reply, read_limit},
};
use crate::{
    base::{
        actor::ActorType,
        document::{Fault, Faults},
        id::OrgId,
    },
    http::{body, call::Call, flood, problem::Problem, query::Query, reply::Reply},
    key::{
        query::{KeyQuery, Sort},
        record::Kind,
        state::Status,
        view::KeyView,
    },
    ports::Flood,
    service::keys::{self, Changed, Created},
    token::format::contains_key,
    usage::recent,
};

const MAX_SEARCH_CHARS: usize = 100;

/// Makes a key; the answer is the only one that shows its secret.
///
/// # Errors
/// A bad body, what the policy rules out, or an outage.
pub async fn create_key(call: &Call<'_>) -> Result<Reply, Problem> {
    let body = body::json(call)?;
    let created = keys::create(call.ports, call.param("org"), &body, call.author()).await?;
    Ok(created_key(call, &created))
}

/// Makes a key for a backend: one of the reserved organization, whose catalog is what backends can be permitted.
///
/// # Errors
/// As [`create_key`].
pub async fn create_service_key(call: &Call<'_>) -> Result<Reply, Problem> {
    let body = body::json(call)?;
    let created = keys::create(call.ports, OrgId::reserved().text().as_str(), &body, call.author()).await?;
    Ok(created_key(call, &created))
}

/// A page of keys.
///
/// # Errors
/// A bad filter or cursor, 404, or an outage.
pub async fn list_keys(call: &Call<'_>) -> Result<Reply, Problem> {
    let (query, cursor) = read_query(call)?;
    let page = keys::list(call.ports, call.param("org"), query, cursor.as_deref()).await?;
    let now = call.ports.clock.now();
    let items: Vec<_> = page.items.iter().map(|used| used.view(now)).collect();
    Ok(page_reply(call, &items, page.next_cursor.as_deref()))
}

/// One key.
///
/// # Errors
/// 404, or an outage.
pub async fn get_key(call: &Call<'_>) -> Result<Reply, Problem> {
    let used = keys::get(call.ports, call.param("org"), call.param("key")).await?;
    let reply = Reply::json(200, &used.view(call.ports.clock.now()));
    Ok(unless_known(call, used.key.version, reply))
}

/// Changes what the body names.
///
/// # Errors
/// A bad body, what the policy rules out, 404, 409, 412, or an outage.
pub async fn update_key(call: &Call<'_>) -> Result<Reply, Problem> {
    let body = body::json(call)?;
    let if_version = versions(call);
    let changed = keys::update(&change(call, if_version.as_deref()), &body).await?;
    Ok(changed_key(call, &changed).await)
}

/// Removes a key for good; the audit log keeps what was done with it.
///
/// # Errors
/// Where the policy keeps keys, 404, 409, 412, or an outage.
pub async fn delete_key(call: &Call<'_>) -> Result<Reply, Problem> {
    let if_version = versions(call);
    keys::delete(&change(call, if_version.as_deref())).await?;
    Ok(Reply::empty(204))
}

/// Makes a temporary key; the answer is the only one that shows its secret.
///
/// # Errors
/// Where there are none, at the cap of the caller, 404, 429, or an outage.
pub async fn create_playground_key(call: &Call<'_>) -> Result<Reply, Problem> {
    // A backend asks for many readers from one address, and has a rate of its own.
    if call.origin().actor.kind == ActorType::Member {
        flood::count(call, Flood::Docs, "too many test tokens were asked for from this address").await?;
    }
    let body = body::optional_json(call)?;
    let created = keys::create_temporary(call.ports, call.param("org"), body.as_ref(), call.author()).await?;
    Ok(created_key(call, &created))
}

#[derive(Serialize)]
struct KeyAndSecret<'a> {
    key: KeyView<'a>,
    secret: &'a str,
}

/// The answer to a creation.
fn created_key(call: &Call<'_>, created: &Created) -> Reply {
    let key = &created.key;
    let answer = KeyAndSecret { key: recent::shown(key, None, call.ports.clock.now()), secret: created.secret.expose() };
    let location = format!("/v1/orgs/{}/keys/{}", key.org_id, key.id);
    Reply::json(201, &answer).with("Location", location).with("ETag", etag(key.version))
}

/// The answer to a change: the key, and since when a narrowing holds.
pub(super) async fn changed_key(call: &Call<'_>, changed: &Changed) -> Reply {
    let known = keys::recent(call.ports, &changed.key).await;
    let view = recent::shown(&changed.key, known.as_ref(), call.ports.clock.now());
    let view = match changed.in_force_at {
        Some(moment) => view.in_force_at(moment),
        None => view,
    };
    Reply::json(200, &view).with("ETag", etag(changed.key.version))
}

fn read_query(call: &Call<'_>) -> Result<(KeyQuery, Option<String>), Vec<Fault>> {
    let mut faults = Faults::default();
    let mut query = Query::read(call.inbound.query());
    let limit = read_limit(&mut query, &mut faults);
    let cursor = query.one("cursor", &mut faults);
    let words: Vec<String> = query.all("status").iter().flat_map(|text| text.split(',')).map(str::to_owned).collect();
    let statuses = words.iter().filter_map(|word| {
        let status = Status::ALL.into_iter().find(|status| status.as_str() == word);
        if status.is_none() {
            faults.value("/status", "must be one or more of active, revoked, expired");
        }
        status
    });
    let statuses = statuses.collect();
    let kind = query.one("kind", &mut faults).map(|word| Kind::parse(&word));
    if kind == Some(None) {
        faults.value("/kind", "must be standard or playground");
    }
    let search = query.one("q", &mut faults).filter(|text| !text.is_empty());
    if search.as_ref().is_some_and(|text| text.chars().count() > MAX_SEARCH_CHARS) {
        faults.value("/q", format!("must be at most {MAX_SEARCH_CHARS} characters"));
    }
    if search.as_ref().is_some_and(|text| text.chars().any(char::is_control)) {
        faults.value("/q", "must not contain control characters");
    }
    if search.as_deref().is_some_and(contains_key) {
        faults.value("/q", "must not be a whole key, which has no place in an address; search for its prefix");
    }
    let sort = query.one("sort", &mut faults).map(|text| Sort::parse(&text));
    if sort == Some(None) {
        faults.value("/sort", "must be one of created_at, last_used_at, name, with - in front for descending");
    }
    query.close(&mut faults);
    let read = KeyQuery {
        statuses,
        kind: kind.flatten(),
        search,
        sort: sort.flatten().unwrap_or_default(),
        after: None,
        limit,
        now: call.ports.clock.now(),
    };
    faults.conclude(Some((read, cursor)))
}
