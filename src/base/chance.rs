//! Where random bytes come from.
//!
//! In scope: the trait that pure code takes. Out of scope: the generator itself, which the platform gives.

/// A cryptographically secure source of random bytes.
pub trait Entropy {
    /// Fills `bytes` with fresh random bytes.
    ///
    /// # Errors
    /// [`NoEntropy`] when the platform's generator fails; nothing may then be issued.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy>;
}

/// The platform's random generator failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the platform's random generator failed")]
pub struct NoEntropy;
