//! Text that must never be printed by accident.
//!
//! In scope: holding a plaintext key or token between issuing or receiving it and digesting it.
//! Out of scope: what is stored; see `token::digest`.

/// A plaintext credential. It prints as `[secret]`; only [`Plaintext::expose`] gives the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Plaintext(String);

impl Plaintext {
    /// Takes custody of a credential.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself: for digesting, and for the one answer that shows a new secret.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints() {
        assert_eq!(format!("{:?}", Plaintext::new("sk_abc".into())), "[secret]");
    }
}
