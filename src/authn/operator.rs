//! The operator token: the bootstrap credential that may do everything. Only its SHA-256 is configured.

use crate::{base::secret::Plaintext, token::digest::Digest};

/// The digests of the operator tokens that are good now: one, or two while the token is being changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperatorTokens(Vec<Digest>);

/// The setting cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("OPERATOR_TOKEN_SHA256 must be one SHA-256 in 64 lower-case hexadecimal digits, or two separated by a comma")]
pub struct BadOperatorSetting;

const MAX_TOKENS: usize = 2;

impl OperatorTokens {
    /// Reads the setting; an absent one lets nobody in.
    ///
    /// # Errors
    /// [`BadOperatorSetting`] when it is not one or two digests.
    pub fn read(setting: Option<&str>) -> Result<Self, BadOperatorSetting> {
        let Some(setting) = setting else { return Ok(Self::default()) };
        let digests: Vec<Digest> =
            setting.split(',').map(|hex| Digest::from_hex(hex.trim())).collect::<Result<_, _>>().map_err(|_| BadOperatorSetting)?;
        if digests.len() > MAX_TOKENS { Err(BadOperatorSetting) } else { Ok(Self(digests)) }
    }

    /// Whether `token` is one of them. All are compared, each in constant time, whichever matches.
    #[must_use]
    pub fn include(&self, token: &Plaintext) -> bool {
        let presented = Digest::of(token.expose());
        self.0.iter().fold(false, |found, digest| (*digest == presented) | found)
    }

    /// Whether any token is configured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_or_two_tokens_let_in_and_no_other() {
        let token = |text: &str| Plaintext::new(text.into());
        let setting = format!("{}, {}", Digest::of("old").hex(), Digest::of("new").hex());
        let tokens = OperatorTokens::read(Some(&setting)).unwrap();
        assert!(tokens.include(&token("old")) && tokens.include(&token("new")));
        assert!(!tokens.include(&token("other")) && !tokens.include(&token("")));
        assert!(!OperatorTokens::read(None).unwrap().include(&token("")));
    }

    #[test]
    fn other_settings_are_refused() {
        let digest = Digest::of("a").hex();
        for bad in ["", "abc", &digest.to_uppercase(), &format!("{digest},"), &format!("{digest},{digest},{digest}")] {
            assert_eq!(OperatorTokens::read(Some(bad)), Err(BadOperatorSetting), "{bad}");
        }
    }
}
