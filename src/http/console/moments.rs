//! Times as people read them. Always in UTC, and said so: the server does not know where its reader is.

use std::fmt;

use super::texts::{fill, t};
use crate::base::time::Timestamp;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A time in a page: shown in few words, exact for whoever asks. Displays as HTML, made of digits and fixed words only.
pub struct Moment {
    at: Timestamp,
    shown: String,
}

impl Moment {
    /// The day.
    #[must_use]
    pub fn day(at: Timestamp) -> Self {
        Self { at, shown: day(at) }
    }

    /// Day and minute.
    #[must_use]
    pub fn minute(at: Timestamp) -> Self {
        Self { at, shown: minute(at) }
    }

    /// Day and second: for what takes seconds to be in force.
    #[must_use]
    pub fn second(at: Timestamp) -> Self {
        Self { at, shown: second(at) }
    }

    /// How long ago; of what was longer ago than a week, the day.
    #[must_use]
    pub fn ago(at: Timestamp, now: Timestamp) -> Self {
        let past = now.ms() - at.ms();
        let shown = match past {
            ..MINUTE_MS => t("ago.now").to_owned(),
            MINUTE_MS..HOUR_MS => fill("ago.minutes", past / MINUTE_MS),
            HOUR_MS..DAY_MS => fill("ago.hours", past / HOUR_MS),
            _ if past < 7 * DAY_MS => fill("ago.days", past / DAY_MS),
            _ => day(at),
        };
        Self { at, shown }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<time datetime=\"{}\" title=\"{}\">{}</time>", self.at, second(self.at), self.shown)
    }
}

/// `21 Nov 2026`
#[must_use]
pub fn day(at: Timestamp) -> String {
    let text = at.to_string();
    let part = |from, to| text.get(from..to).unwrap_or_default();
    let month = part(5, 7).parse::<usize>().unwrap_or(1).saturating_sub(1);
    let month = t("months").split(' ').nth(month).unwrap_or_default();
    format!("{} {month} {}", part(8, 10).trim_start_matches('0'), part(0, 4))
}

/// `21 Nov 2026, 19:02 UTC`
#[must_use]
pub fn minute(at: Timestamp) -> String {
    clock(at, 16)
}

/// `21 Nov 2026, 19:02:33 UTC`
#[must_use]
pub fn second(at: Timestamp) -> String {
    clock(at, 19)
}

fn clock(at: Timestamp, end: usize) -> String {
    format!("{}, {} UTC", day(at), at.to_string().get(11..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixtures::NOW;

    #[test]
    fn times_are_told_in_few_words() {
        let ago = |ms: i64| Moment::ago(NOW.plus_ms(-ms), NOW).shown;
        assert_eq!([ago(-5_000), ago(59_999)], ["just now", "just now"]);
        assert_eq!([ago(60_000), ago(3_599_999), ago(3_600_000)], ["1 min ago", "59 min ago", "1 h ago"]);
        assert_eq!([ago(86_400_000), ago(7 * 86_400_000)], ["1 d ago", "10 Mar 2030"]);
        assert_eq!(second(NOW), "17 Mar 2030, 17:46:40 UTC");
        let exact = "<time datetime=\"2030-03-17T17:46:40.000Z\" title=\"17 Mar 2030, 17:46:40 UTC\">17 Mar 2030, 17:46 UTC</time>";
        assert_eq!(Moment::minute(NOW).to_string(), exact);
    }
}
