//! An instant in UTC, to the millisecond.
//!
//! In scope: RFC 3339 text and arithmetic in milliseconds. Out of scope: asking what time it is; a clock is a port.

use std::num::NonZeroU64;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Milliseconds since 1970-01-01T00:00:00Z, between the years 0000 and 9999 (what RFC 3339 can write).
///
/// Kept as milliseconds since just before the year 0000, so that none is nothing: an optional one takes no more memory,
/// and an isolate holds many. That is why there are no gaps beside it either: a 64-bit number would begin at every eighth
/// byte.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(Rust, packed(4))]
pub struct Timestamp(NonZeroU64);

/// The text is not an RFC 3339 time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an RFC 3339 time such as 2030-01-31T12:00:00.000Z")]
pub struct NotATime;

const EARLIEST_MS: i64 = -62_167_219_200_000;
const LATEST_MS: i64 = 253_402_300_799_999;

impl Timestamp {
    /// The instant `ms` milliseconds after the epoch, held to the years that RFC 3339 can write.
    #[must_use]
    pub const fn from_ms(ms: i64) -> Self {
        let held = if ms < EARLIEST_MS {
            EARLIEST_MS
        } else if ms > LATEST_MS {
            LATEST_MS
        } else {
            ms
        };
        Self(NonZeroU64::MIN.saturating_add(held.abs_diff(EARLIEST_MS)))
    }

    /// A known instant of this age, for constants.
    #[cfg(test)]
    pub(crate) const fn at(ms: i64) -> Self {
        Self::from_ms(ms)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn ms(self) -> i64 {
        EARLIEST_MS.saturating_add_unsigned(self.0.get() - 1)
    }

    /// Milliseconds since the epoch for unsigned formats; instants before the epoch count as the epoch.
    #[must_use]
    pub fn unsigned_ms(self) -> u64 {
        u64::try_from(self.ms()).unwrap_or(0)
    }

    /// This instant moved by `ms`, held to the writable years.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self::from_ms(self.ms().saturating_add(ms))
    }

    /// Reads RFC 3339 text with any offset; digits past the millisecond are dropped.
    ///
    /// # Errors
    /// [`NotATime`] when the text is anything else.
    pub fn parse(text: &str) -> Result<Self, NotATime> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| NotATime)?;
        let ms = moment.unix_timestamp_nanos().div_euclid(1_000_000);
        let ms = i64::try_from(ms).map_err(|_| NotATime)?;
        if (EARLIEST_MS..=LATEST_MS).contains(&ms) { Ok(Self::from_ms(ms)) } else { Err(NotATime) }
    }
}

impl std::fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Timestamp({})", self.ms())
    }
}

impl std::fmt::Display for Timestamp {
    /// `2030-01-31T12:00:00.000Z`: always UTC, always three decimals, so that text sorts as time does.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let moment = OffsetDateTime::from_unix_timestamp(self.ms().div_euclid(1000)).map_err(|_| std::fmt::Error)?;
        let (date, clock) = (moment.date(), moment.time());
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            date.year(),
            u8::from(date.month()),
            date.day(),
            clock.hour(),
            clock.minute(),
            clock.second(),
            self.ms().rem_euclid(1000)
        )
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_has_three_decimals_and_a_z() {
        assert_eq!(Timestamp::from_ms(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::from_ms(1_900_000_000_007).to_string(), "2030-03-17T17:46:40.007Z");
        assert_eq!(Timestamp::from_ms(-1).to_string(), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn offsets_are_brought_to_utc() {
        assert_eq!(Timestamp::parse("2030-01-01T02:00:00+02:00"), Timestamp::parse("2030-01-01T00:00:00Z"));
    }

    #[test]
    fn what_is_not_rfc_3339_is_refused() {
        for text in ["", "2030-01-01", "2030-01-01T00:00:00", "2030-13-01T00:00:00Z", "2030-02-30T00:00:00Z", "tomorrow", "1900000000"] {
            assert_eq!(Timestamp::parse(text), Err(NotATime), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_instant_survives_its_text(ms in EARLIEST_MS..=LATEST_MS) {
            let instant = Timestamp::from_ms(ms);
            prop_assert_eq!(Timestamp::parse(&instant.to_string()), Ok(instant));
        }

        #[test]
        fn text_sorts_as_time_does(a in 0..=LATEST_MS, b in 0..=LATEST_MS) {
            let (a, b) = (Timestamp::from_ms(a), Timestamp::from_ms(b));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC*") {
            let _ = Timestamp::parse(&text);
        }
    }
}
