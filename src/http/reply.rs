//! An answer, before it becomes the platform's.

use serde::Serialize;

/// Status, fields and body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The fields, in order.
    pub headers: Vec<(&'static str, String)>,
    /// The body; `None` for none.
    pub body: Option<String>,
}

impl Reply {
    /// An answer without a body.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: None }
    }

    /// An answer with a JSON body. Values that cannot be written as JSON do not occur in the types that are answered.
    #[must_use]
    pub fn json(status: u16, value: &impl Serialize) -> Self {
        Self::text(status, "application/json", serde_json::to_string(value).unwrap_or_default())
    }

    /// An answer with a body of that type.
    #[must_use]
    pub fn text(status: u16, content_type: &str, body: String) -> Self {
        Self { status, headers: vec![("Content-Type", content_type.to_owned())], body: Some(body) }
    }

    /// The answer as another type than the one it has.
    #[must_use]
    pub fn of_type(mut self, content_type: &str) -> Self {
        self.headers.iter_mut().filter(|(name, _)| *name == "Content-Type").for_each(|(_, value)| content_type.clone_into(value));
        self
    }

    /// The answer with one more field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Whether it says itself for how long it may be kept, or that it may not.
    #[must_use]
    pub fn says_how_long(&self) -> bool {
        self.headers.iter().any(|(name, _)| *name == "Cache-Control")
    }

    /// The answer to HEAD: the same fields, no body (RFC 9110, section 9.3.2).
    #[must_use]
    pub fn without_body(self) -> Self {
        Self { body: None, ..self }
    }
}
