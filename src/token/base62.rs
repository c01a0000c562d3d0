//! Base 62 with the digits `0-9A-Za-z` in that order of value.

use crate::base::chance::{Entropy, NoEntropy};

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The largest multiple of 62 that a byte can hold. Bytes from here on are thrown away: taken
/// modulo 62 they would make the first eight digits likelier than the rest.
const UNBIASED_BELOW: u8 = 248;

/// Six digits hold any CRC-32: 62^6 > 2^32.
pub const CRC_DIGITS: usize = 6;

fn digit(value: u32) -> char {
    DIGITS.get(value as usize % DIGITS.len()).map_or('0', |byte| char::from(*byte))
}

/// `value` as six digits, most significant first, zero-padded.
#[must_use]
pub fn encode(value: u32) -> String {
    let mut divisor = 62_u32.pow(5);
    let mut text = String::with_capacity(CRC_DIGITS);
    for _ in 0..CRC_DIGITS {
        text.push(digit(value / divisor % 62));
        divisor /= 62;
        divisor = divisor.max(1);
    }
    text
}

/// Whether `text` consists of base-62 digits only.
#[must_use]
pub fn is_base62(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// `length` random digits, each of the 62 equally likely.
///
/// # Errors
/// [`NoEntropy`] when the generator fails.
pub fn random(length: usize, entropy: &dyn Entropy) -> Result<String, NoEntropy> {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let mut bytes = [0; 48];
        entropy.fill(&mut bytes)?;
        let fair = bytes.iter().filter(|byte| **byte < UNBIASED_BELOW);
        text.extend(fair.map(|byte| digit(u32::from(*byte))).take(length - text.len()));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::chance::Sequence;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_padded_and_most_significant_first() {
        assert_eq!(encode(0), "000000");
        assert_eq!(encode(61), "00000z");
        assert_eq!(encode(62), "000010");
        assert_eq!(encode(u32::MAX), "4gfFC3");
    }

    #[test]
    fn every_digit_is_equally_likely() {
        let text = random(62 * 2000, &Sequence::new(7)).unwrap();
        for expected in DIGITS {
            let seen = text.bytes().filter(|byte| byte == expected).count();
            assert!((1750..2250).contains(&seen), "{} seen {seen} times of 2000", char::from(*expected));
        }
    }

    proptest! {
        #[test]
        fn digits_give_the_number_back(value: u32) {
            let decoded = encode(value).bytes().fold(0u64, |sum, byte| {
                sum * 62 + DIGITS.iter().position(|digit| *digit == byte).unwrap() as u64
            });
            prop_assert_eq!(decoded, u64::from(value));
        }
    }
}
