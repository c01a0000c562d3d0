//! What is told of decisions in the log.

use crate::base::id::RequestId;

/// All of them.
const MILLION: u32 = 1_000_000;

/// Which decisions leave a line, and how exactly it says where they come from. By default none does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecisionLog {
    /// Whether refusals do (`DECISION_LOG`).
    refused: bool,
    /// How many of a million admitted requests do (`DECISION_LOG`, `DECISION_LOG_SAMPLE`).
    admitted: u32,
    /// How exactly an address is told (`DECISION_LOG_IP`).
    pub addresses: Addresses,
}

/// How exactly an address is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// Not at all.
    Off,
    /// Its network: 24 bits of IPv4, 48 of IPv6.
    Network,
    /// As it is.
    Full,
}

/// A setting cannot be read; nothing is logged then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLogSetting {
    /// None of the three words.
    #[error("DECISION_LOG must be off, refused or all")]
    Which,
    /// Not a share.
    #[error("DECISION_LOG_SAMPLE must be a number from 0 to 1 with at most six decimals, such as 0.01")]
    Sample,
    /// None of the three words.
    #[error("DECISION_LOG_IP must be off, network or full")]
    Addresses,
}

impl DecisionLog {
    /// Reads the settings; `variable` gives a variable's text.
    ///
    /// # Errors
    /// [`BadLogSetting`] for the first that cannot be read, whether or not it would matter.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, BadLogSetting> {
        let share = match variable("DECISION_LOG_SAMPLE") {
            None => MILLION,
            Some(text) => read_share(&text).ok_or(BadLogSetting::Sample)?,
        };
        let (refused, admitted) = match variable("DECISION_LOG").as_deref() {
            None | Some("off") => (false, 0),
            Some("refused") => (true, 0),
            Some("all") => (true, share),
            Some(_) => return Err(BadLogSetting::Which),
        };
        let addresses = match variable("DECISION_LOG_IP").as_deref() {
            Some("off") => Addresses::Off,
            None | Some("network") => Addresses::Network,
            Some("full") => Addresses::Full,
            Some(_) => return Err(BadLogSetting::Addresses),
        };
        Ok(Self { refused, admitted, addresses })
    }

    /// Whether a decision leaves a line. All decisions of one request do, or none, wherever they are asked about: chance is
    /// the request's id.
    #[must_use]
    pub fn keeps(&self, is_refused: bool, request_id: &RequestId) -> bool {
        if is_refused {
            return self.refused;
        }
        match self.admitted {
            0 => false,
            MILLION.. => true,
            share => chance(request_id) < share,
        }
    }
}

/// A number from 0 to 1 as millionths. Written out, because the standard library's reader of numbers is larger than all of this.
fn read_share(text: &str) -> Option<u32> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(decimals) || decimals.len() > 6 {
        return None;
    }
    let whole: u32 = whole.parse().ok()?;
    let millionths: u32 = format!("{decimals:0<6}").parse().ok()?;
    whole.checked_mul(MILLION)?.checked_add(millionths).filter(|share| *share <= MILLION)
}

/// A number below a million out of the random end of an id: its last 40 bits, in base 32.
fn chance(request_id: &RequestId) -> u32 {
    const DIGITS: &[u8] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let digit = |byte: u8| DIGITS.iter().position(|digit| *digit == byte).unwrap_or(0) as u64;
    let bits = request_id.text().bytes().rev().take(8).fold(0, |bits, byte| (bits << 5) | digit(byte));
    u32::try_from(bits % u64::from(MILLION)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{base::time::Timestamp, testing::chance::Sequence};
    use proptest::prelude::*;

    fn read(variables: &[(&str, &str)]) -> Result<DecisionLog, BadLogSetting> {
        DecisionLog::read(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned()))
    }

    fn log(which: &str, sample: &str) -> DecisionLog {
        read(&[("DECISION_LOG", which), ("DECISION_LOG_SAMPLE", sample)]).unwrap()
    }

    fn ids(count: u64) -> impl Iterator<Item = RequestId> {
        (0..count).map(|seed| RequestId::new(Timestamp::from_ms(1), &Sequence::new(seed)).unwrap())
    }

    #[test]
    fn nothing_is_logged_unless_somebody_says_so() {
        assert_eq!(read(&[]), Ok(DecisionLog { refused: false, admitted: 0, addresses: Addresses::Network }));
        assert_eq!(read(&[("DECISION_LOG", "off"), ("DECISION_LOG_SAMPLE", "1")]), read(&[]));
    }

    #[test]
    fn values_that_are_none_are_named() {
        for text in ["", "ALL", "true", "refused ", "all,refused"] {
            assert_eq!(read(&[("DECISION_LOG", text)]), Err(BadLogSetting::Which), "{text}");
        }
        for text in ["", ".", "1.", ".5", "-0", "+1", "1e-3", "1.000001", "2", "NaN", "inf", "0.1234567", "0,5", "99999999999", "5%"] {
            assert_eq!(read(&[("DECISION_LOG_SAMPLE", text)]), Err(BadLogSetting::Sample), "{text}");
        }
        assert_eq!(read(&[("DECISION_LOG_IP", "yes")]), Err(BadLogSetting::Addresses));
    }

    #[test]
    fn a_share_is_read_to_the_millionth() {
        for (text, share) in [("0", 0), ("0.0", 0), ("0.000001", 1), ("0.01", 10_000), ("0.5", 500_000), ("1", MILLION), ("1.0", MILLION)] {
            assert_eq!(read_share(text), Some(share), "{text}");
        }
    }

    #[test]
    fn refusals_are_never_sampled_and_admissions_by_their_share() {
        for (log, refused, admitted) in [
            (log("off", "1"), 0, 0..=0),
            (log("refused", "1"), 10_000, 0..=0),
            (log("all", "0"), 10_000, 0..=0),
            (log("all", "1"), 10_000, 10_000..=10_000),
            (log("all", "0.1"), 10_000, 900..=1_100),
        ] {
            let kept = |is_refused| ids(10_000).filter(|id| log.keeps(is_refused, id)).count();
            assert_eq!(kept(true), refused, "{log:?}");
            assert!(admitted.contains(&kept(false)), "{log:?}: {}", kept(false));
        }
    }

    proptest! {
        #[test]
        fn what_a_small_share_keeps_a_larger_one_keeps_too(seed: u64, small in 0..=MILLION, large in 0..=MILLION) {
            prop_assume!(small <= large);
            let log = |admitted| DecisionLog { refused: true, admitted, addresses: Addresses::Off };
            let id = RequestId::new(Timestamp::from_ms(1), &Sequence::new(seed)).unwrap();
            prop_assert!(!log(small).keeps(false, &id) || log(large).keeps(false, &id));
        }
    }
}
