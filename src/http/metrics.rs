//! `GET /metrics`: what an operator's monitoring reads, in OpenMetrics text.
//!
//! In scope: the text format, <https://prometheus.io/docs/specs/om/open_metrics_spec/>. Out of scope: what is counted.

use std::fmt::Write as _;

use super::{call::Call, problem::Problem, reply::Reply};
use crate::{
    base::time::Timestamp,
    key::{record::Kind, state::Status},
    ports::watch::Reading,
    service::failure::Failure,
};

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The codes that a known key's request can end with: they are there from the start, so that a rate can be taken of the first.
const CODES: [&str; 9] = [
    "VALID",
    "REVOKED",
    "EXPIRED",
    "ORG_DISABLED",
    "IP_NOT_ALLOWED",
    "INSUFFICIENT_PERMISSIONS",
    "ROUTE_NOT_MAPPED",
    "IMPERSONATION_NOT_ALLOWED",
    "RATE_LIMITED",
];

/// Counts over all organizations, whatever the `Accept` of the request: there is one form.
///
/// # Errors
/// 503 while they cannot be read.
pub async fn metrics(call: &Call<'_>) -> Result<Reply, Problem> {
    let now = call.ports.clock.now();
    let reading = call.ports.gauges.read(now).await.map_err(Failure::from)?;
    Ok(Reply::text(200, CONTENT_TYPE, exposition(&reading, now)))
}

fn exposition(reading: &Reading, now: Timestamp) -> String {
    let mut text = Exposition::default();
    text.family("latchkey_build", "info", "", "The release that answers.");
    text.sample("latchkey_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    text.family("latchkey_organizations", "gauge", "", "Organizations.");
    text.sample("latchkey_organizations", &[], reading.organizations);
    text.family("latchkey_keys", "gauge", "", "Keys of all organizations by kind and status; a key expires here at the next full hour.");
    for kind in [Kind::Standard, Kind::Playground] {
        for status in Status::ALL {
            let of = reading.keys.iter().filter(|count| (count.kind, count.status) == (kind, status));
            text.sample("latchkey_keys", &[("kind", kind.as_str()), ("status", status.as_str())], of.map(|count| count.count).sum());
        }
    }
    text.family("latchkey_unpublished_changes", "gauge", "", "Changes that are stored and may not be in force yet.");
    text.sample("latchkey_unpublished_changes", &[], reading.unpublished);
    let oldest = "latchkey_unpublished_oldest_age_seconds";
    text.family(oldest, "gauge", "seconds", "How long the oldest of these changes has waited; 0 without any.");
    text.sample(oldest, &[], reading.oldest_unpublished_at.map_or(0, |since| seconds_between(since, now)));
    text.family("latchkey_portal_sessions_open", "gauge", "", "Portal sessions that were opened and are not over.");
    text.sample("latchkey_portal_sessions_open", &[], reading.open_portal_sessions);
    text.family("latchkey_decisions", "counter", "", "Decided requests of known keys by code, at most 60 seconds late.");
    let counted = |code: &str| reading.decisions.iter().filter(|(known, _)| known == code).map(|(_, count)| count).sum();
    let others = reading.decisions.iter().map(|(code, _)| code.as_str()).filter(|code| !CODES.contains(code));
    for code in CODES.into_iter().chain(others) {
        text.sample("latchkey_decisions_total", &[("code", code)], counted(code));
    }
    text.end()
}

/// Whole seconds; none if clocks jumped back.
fn seconds_between(since: Timestamp, now: Timestamp) -> u64 {
    now.unsigned_ms().saturating_sub(since.unsigned_ms()) / 1000
}

/// A text in the format, as it grows.
#[derive(Default)]
struct Exposition(String);

impl Exposition {
    /// What the samples that follow are. The name of one with a unit ends in it.
    fn family(&mut self, name: &str, kind: &str, unit: &str, help: &str) {
        self.line(format_args!("# TYPE {name} {kind}"));
        if !unit.is_empty() {
            self.line(format_args!("# UNIT {name} {unit}"));
        }
        self.line(format_args!("# HELP {name} {help}"));
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        let pairs: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        if pairs.is_empty() {
            self.line(format_args!("{name} {value}"));
        } else {
            self.line(format_args!("{name}{{{}}} {value}", pairs.join(",")));
        }
    }

    fn end(mut self) -> String {
        self.line(format_args!("# EOF"));
        self.0
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Memory takes every line.
        let _ = writeln!(self.0, "{line}");
    }
}

/// A label's value as it stands between quotation marks.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::watch::KeyCount;

    #[test]
    fn the_text_is_what_the_format_asks_for_to_the_byte() {
        let reading = Reading {
            organizations: 3,
            keys: vec![
                KeyCount { kind: Kind::Standard, status: Status::Active, count: 10_000_000_000 },
                KeyCount { kind: Kind::Playground, status: Status::Expired, count: 7 },
            ],
            unpublished: 2,
            oldest_unpublished_at: Some(Timestamp::from_ms(1_000)),
            open_portal_sessions: 1,
            decisions: vec![("VALID".to_owned(), u64::MAX), ("A \"new\"\\one\n".to_owned(), 5)],
        };
        let text = exposition(&reading, Timestamp::from_ms(63_999));
        let expected = include_str!("../../tests/vectors/metrics.txt").replace("VERSION", env!("CARGO_PKG_VERSION"));
        assert_eq!(text, expected);
    }

    #[test]
    fn where_nothing_was_done_everything_is_zero() {
        let text = exposition(&Reading::default(), Timestamp::from_ms(1));
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(samples.len(), 1 + 1 + 6 + 1 + 1 + 1 + 9);
        assert!(samples.iter().skip(1).all(|line| line.ends_with(" 0")), "{text}");
    }

    #[test]
    fn a_clock_that_jumps_back_makes_no_age_below_zero() {
        let reading = Reading { oldest_unpublished_at: Some(Timestamp::from_ms(5_000)), ..Reading::default() };
        assert!(exposition(&reading, Timestamp::from_ms(1)).contains("latchkey_unpublished_oldest_age_seconds 0\n"));
    }
}
