//! Usage as a drawing and in numbers.

use std::fmt::Write;

use askama::Template;
use serde_json::Value;

use super::{
    moments,
    rates::grouped,
    texts::{fill, find, t},
};
use crate::{
    base::{document, time::Timestamp},
    usage::summary::{Range, Summary},
};

const WIDTH: u64 = 720;
const HEIGHT: u64 = 140;

/// The usage of one key over a range.
#[derive(Template)]
#[template(path = "console/chart.html")]
pub struct Chart {
    ranges: Vec<(&'static str, &'static str, bool)>,
    path: String,
    requests: String,
    allowed: String,
    denied: String,
    /// Refusals by reason: the code, what it means, how many.
    reasons: Vec<(String, &'static str, String)>,
    bars: String,
    refused_bars: String,
    top: String,
    from: String,
    to: String,
    said: String,
    /// When the key was last used, as its guard knows it.
    pub last_used: Option<Timestamp>,
}

/// The range that an address asks for.
#[must_use]
pub fn range(word: &str) -> (&'static str, Range) {
    let known = Range::ALL.into_iter().find(|(known, _)| *known == word);
    known.unwrap_or(("24h", Range::Day))
}

impl Chart {
    /// Draws what the contract says of a key's usage.
    #[must_use]
    pub fn of(summary: &Summary, word: &'static str, path: &str) -> Self {
        let shown = document::tree(summary);
        let sums = shown.get(format!("last_{word}")).unwrap_or(&Value::Null);
        let number = |value: &Value, name: &str| value.get(name).and_then(Value::as_u64).unwrap_or(0);
        let series = shown.get("series").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let points: Vec<(u64, u64)> = series.iter().map(|point| (number(point, "allowed"), number(point, "denied"))).collect();
        let top = points.iter().map(|(allowed, denied)| allowed.saturating_add(*denied)).max().unwrap_or(0);
        let (bars, refused_bars) = bars(&points, top);
        let time = |point: Option<&Value>, name: &str| point?.get(name)?.as_str().and_then(|text| Timestamp::parse(text).ok());
        let codes = sums.get("by_code").and_then(Value::as_object);
        let refusals = codes.into_iter().flatten().filter(|(code, _)| *code != "VALID");
        // The most frequent first. There are ten codes at most.
        let mut reasons: Vec<(u64, &str)> = Vec::new();
        for (code, count) in refusals {
            let count = count.as_u64().unwrap_or(0);
            let at = reasons.iter().position(|(other, _)| *other < count).unwrap_or(reasons.len());
            reasons.insert(at, (count, code));
        }
        let requests = grouped(number(sums, "requests"));
        let denied = grouped(number(sums, "denied"));
        Self {
            ranges: [("24h", t("usage.24h")), ("7d", t("usage.7d")), ("30d", t("usage.30d"))]
                .map(|(range, text)| (range, text, range == word))
                .into(),
            path: path.to_owned(),
            said: format!("{} {}", fill("usage.said.requests", &requests), fill("usage.said.refused", &denied)),
            last_used: time(Some(&shown), "last_used_at"),
            allowed: grouped(number(sums, "allowed")),
            requests,
            denied,
            reasons: reasons.into_iter().map(|(count, code)| (code.to_owned(), reason(code), grouped(count))).collect(),
            bars,
            refused_bars,
            top: grouped(top),
            from: time(series.first(), "start_at").map(moments::minute).unwrap_or_default(),
            to: time(Some(&shown), "as_of").map(moments::minute).unwrap_or_default(),
        }
    }
}

/// What a code means, to people.
#[must_use]
pub fn reason(code: &str) -> &'static str {
    find(&format!("code.{code}")).unwrap_or_else(|| t("code.other"))
}

/// One path for what was admitted and one for what was refused, which stands on it.
fn bars(points: &[(u64, u64)], top: u64) -> (String, String) {
    let count = u64::try_from(points.len()).unwrap_or(1).max(1);
    let (step, top) = (WIDTH / count, u128::from(top.max(1)));
    let gap = if step > 8 { 3 } else { 1 };
    let height = |value: u64| u64::try_from(u128::from(value) * u128::from(HEIGHT) / top).unwrap_or(HEIGHT).max(u64::from(value > 0) * 2);
    let (mut allowed, mut denied) = (String::new(), String::new());
    for (index, (admitted, refused)) in (0_u64..).zip(points) {
        let (x, width) = (index * WIDTH / count, step.saturating_sub(gap).max(1));
        let below = height(*admitted);
        let above = height(*refused).min(HEIGHT.saturating_sub(below).max(2));
        let bar = |path: &mut String, from: u64, tall: u64| {
            if tall > 0 {
                // Writing to a string does not fail.
                let _ = write!(path, "M{x} {}h{width}v-{tall}h-{width}z", HEIGHT.saturating_sub(from));
            }
        };
        bar(&mut allowed, 0, below);
        bar(&mut denied, below, above);
    }
    (allowed, denied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stand_on_each_other_and_fill_the_height() {
        let (allowed, denied) = bars(&[(10, 0), (5, 5), (0, 1)], 10);
        assert_eq!(allowed, "M0 140h237v-140h-237zM240 140h237v-70h-237z");
        assert_eq!(denied, "M240 70h237v-70h-237zM480 140h237v-14h-237z");
    }

    #[test]
    fn nothing_draws_nothing_and_a_little_is_still_seen() {
        assert_eq!(bars(&[], 0), (String::new(), String::new()));
        assert_eq!(bars(&[(0, 0); 24], 0), (String::new(), String::new()));
        assert!(bars(&[(u64::MAX, 0), (1, 0)], u64::MAX).0.ends_with("v-2h-357z"));
    }
}
