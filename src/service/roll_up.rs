//! Telling the truth what a guard's book has come to: counts and last uses for lists, what was done for users for the
//! audit log.

use serde_json::{Map, Value, json};

use crate::{
    audit::entry::{Action, AuditEntry, Target},
    base::{
        actor::{Actor, ActorType},
        id::{AuditId, KeyId, OrgId, RequestId},
        time::Timestamp,
    },
    key::record::KeyRecord,
    ports::{Outage, Ports, Subject},
    usage::{
        recent::Recent,
        report::Impersonation,
        retention::KEPT_DAYS,
        roll::{self, Drawn, Owner},
        rows::Rows,
    },
};

const DAY_MS: i64 = 86_400_000;

/// So many keys' use is looked at by each run of the cron.
const MAX_LOOKS: u32 = 500;

/// Whose book the subject's guard keeps, by the record in force.
#[must_use]
pub fn owner(subject: &Subject, record: Option<&str>) -> Option<Owner> {
    match subject {
        Subject::Key(_) => {
            let key = KeyRecord::from_stored(record?).ok()?;
            let prefix = Some(key.prefix().to_owned());
            Some(Owner { id: key.id.to_string(), org_id: key.org_id, name: key.name.into(), prefix })
        }
        Subject::Org(id) => Some(Owner { id: id.to_string(), org_id: id.clone(), name: String::new(), prefix: None }),
    }
}

/// Tells the truth what the book has come to, and tidies the book. When its guard is to be woken next, if at all.
///
/// # Errors
/// When the book's storage fails.
pub async fn wake<R: Rows>(ports: &Ports, rows: &R) -> Result<Option<Timestamp>, R::Error> {
    let new_id = || AuditId::new(ports.clock.now(), ports.entropy.as_ref()).ok();
    let Some(drawn) = roll::draw(rows, new_id, ports.clock.now())? else { return Ok(None) };
    // The book goes on meanwhile: what is entered now is told the next time.
    match tell(ports, &drawn).await {
        Ok(()) => roll::heard(rows, &drawn, ports.clock.now()),
        Err(outage) => {
            ports.background.log(&format!("the use of {} is told again: {outage}", drawn.owner.id));
            roll::unheard(rows, ports.clock.now()).map(Some)
        }
    }
}

/// Repeating it changes nothing.
async fn tell(ports: &Ports, drawn: &Drawn) -> Result<(), Outage> {
    let Drawn { owner, uses, impersonations, .. } = drawn;
    match (KeyId::parse(&owner.id), OrgId::parse(&owner.id)) {
        (Ok(key), _) => {
            let entries: Vec<AuditEntry> = impersonations.iter().map(|(id, one)| entry(owner, id, one)).collect();
            ports.rolls.note_key(&key, &owner.org_id, uses, &Recent::of(drawn), &entries).await
        }
        (Err(_), Ok(org)) => ports.rolls.note_org(&org, &uses.totals).await,
        (Err(_), Err(_)) => Ok(()),
    }
}

/// The entry for what was done with a key for a user: it stands under the user's name, and for several requests if they
/// were alike.
fn entry(owner: &Owner, id: &AuditId, one: &Impersonation) -> AuditEntry {
    let told = [
        ("method", one.method.as_ref().map(|method| json!(method))),
        ("path", one.path.as_ref().map(|path| json!(path))),
        ("requests", Some(json!(one.count))),
        ("first_at", Some(json!(one.first_at))),
    ];
    let told = told.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!({"from": null, "to": value?}))));
    AuditEntry {
        id: id.clone(),
        org_id: Some(owner.org_id.clone()),
        at: one.last_at,
        actor: Actor { kind: ActorType::User, id: one.user.clone(), name: one.user.clone() },
        action: Action::KeyImpersonated,
        target: Target { kind: "key".to_owned(), id: owner.id.clone(), name: owner.name.clone(), prefix: owner.prefix.clone() },
        changes: told.collect::<Map<String, Value>>(),
        ip: one.ip.map(|ip| ip.to_string()),
        user_agent: None,
        // Of no one request.
        request_id: RequestId::nil(),
    }
}

/// Removes what is known of the use of keys that nobody used for so long that lists have nothing to count.
///
/// # Errors
/// When the truth is out; the next run goes on.
pub async fn purge(ports: &Ports) -> Result<(), Outage> {
    let moment = ports.clock.now().plus_ms(-DAY_MS * i64::from(KEPT_DAYS));
    ports.rolls.purge(moment, MAX_LOOKS).await
}

#[cfg(test)]
#[path = "roll_up_tests.rs"]
mod tests;
