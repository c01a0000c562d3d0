//! Rates in words.

use super::texts::{fill, t};
use crate::limit::rate::RateLimit;

/// The spans that a form offers: seconds, and the key of their text.
pub const WINDOWS: [u32; 4] = [1, 60, 3600, 86_400];

/// `60 per minute`, or that there is no limit.
#[must_use]
pub fn shown(rate: Option<RateLimit>) -> String {
    let Some(RateLimit { limit, window_seconds }) = rate else { return t("rate.none").to_owned() };
    format!("{} {}", grouped(limit.into()), window(window_seconds))
}

/// `per minute`, `per 90 seconds`
#[must_use]
pub fn window(seconds: u32) -> String {
    match seconds {
        1 => t("rate.second").to_owned(),
        60 => t("rate.minute").to_owned(),
        3600 => t("rate.hour").to_owned(),
        86_400 => t("rate.day").to_owned(),
        other => fill("rate.seconds", other),
    }
}

/// `1,234,567`
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push_str(t("number.group"));
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_told_in_words() {
        let shown = |limit, window_seconds| shown(Some(RateLimit { limit, window_seconds }));
        assert_eq!([shown(60, 60), shown(1_000_000, 86_400), shown(5, 90)], ["60 per minute", "1,000,000 per day", "5 per 90 seconds"]);
        assert_eq!([grouped(0), grouped(999), grouped(1000), grouped(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
    }
}
