//! Counts over all organizations, in one statement: as of one moment, and one call.
//!
//! It reads a row for each organization and each code of one, each change in the outbox, each portal session that is not
//! over, and a few thousand of the census: never one for each key.

use async_trait::async_trait;
use serde::Deserialize;

use super::{D1Ledger, bind, outage, statement::Statement};
use crate::{
    base::time::Timestamp,
    key::{record::Kind, state::Status},
    ports::{
        Outage,
        watch::{Gauges, KeyCount, Reading},
    },
};

const HOUR_MS: u64 = 3_600_000;

/// Counts come as text: JSON's numbers end at 2^53. D1 takes five selects in a compound one, and no more.
const SQL: &str = "\
    SELECT 'organizations' AS family, NULL AS label, NULL AS kind, CAST(count(*) AS TEXT) AS value FROM organizations WHERE id <> 'org_system' \
    UNION ALL SELECT 'keys', CASE WHEN revoked THEN 'revoked' WHEN expires_hour <= ?1 THEN 'expired' ELSE 'active' END AS status, kind, \
      CAST(sum(count) AS TEXT) FROM key_census GROUP BY kind, status \
    UNION ALL SELECT 'unpublished', CAST(min(created_at) AS TEXT), NULL, CAST(count(*) AS TEXT) FROM outbox \
    UNION ALL SELECT 'sessions', NULL, NULL, CAST(count(*) AS TEXT) FROM portal_sessions WHERE over_at > ?2 AND opened_at IS NOT NULL \
    UNION ALL SELECT 'decisions', code, NULL, CAST(sum(count) AS TEXT) FROM org_totals GROUP BY code";

#[derive(Deserialize)]
struct CountRow {
    family: String,
    /// A status or a code; of changes, when the oldest was made.
    label: Option<String>,
    kind: Option<String>,
    value: String,
}

#[async_trait(?Send)]
impl Gauges for D1Ledger {
    async fn read(&self, now: Timestamp) -> Result<Reading, Outage> {
        let hour = bind::integer(now.unsigned_ms() / HOUR_MS);
        let rows: Vec<CountRow> = self.rows(Statement::new(SQL, [hour, bind::time(now)])).await?;
        rows.into_iter().try_fold(Reading::default(), add)
    }
}

fn add(mut reading: Reading, row: CountRow) -> Result<Reading, Outage> {
    let CountRow { family, label, kind, value } = row;
    let strange = || outage(format!("a count of {family} cannot be read"));
    let count: u64 = value.parse().map_err(|_| strange())?;
    match family.as_str() {
        "organizations" => reading.organizations = count,
        "keys" => {
            let status = Status::ALL.into_iter().find(|status| label.as_deref() == Some(status.as_str()));
            let kind = kind.as_deref().and_then(Kind::parse);
            reading.keys.push(KeyCount { kind: kind.ok_or_else(strange)?, status: status.ok_or_else(strange)?, count });
        }
        "unpublished" => {
            let since = label.map(|text| text.parse().map_err(|_| strange())).transpose()?;
            (reading.unpublished, reading.oldest_unpublished_at) = (count, since.map(Timestamp::from_ms));
        }
        "sessions" => reading.open_portal_sessions = count,
        _ => reading.decisions.push((label.unwrap_or_default(), count)),
    }
    Ok(reading)
}
