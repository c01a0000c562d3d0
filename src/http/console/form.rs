//! What a form or an address of the console carries: pairs of names and texts.

use crate::http::{call::Call, problem::Problem, problem_catalog as catalog};

/// The pairs, in order.
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Of the address. What a page does not know, it leaves alone: people edit addresses, and links grow.
    #[must_use]
    pub fn of_query(call: &Call<'_>) -> Self {
        Self::read(call.inbound.query().as_bytes())
    }

    /// Of the body.
    ///
    /// # Errors
    /// 413, 415, or 400 when it was cut off.
    pub fn of_body(call: &Call<'_>) -> Result<Self, Problem> {
        let bytes = call.body.as_deref().map_err(|error| Problem::from(*error))?;
        let content_type = call.inbound.header("content-type").unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if !bytes.is_empty() && media_type != "application/x-www-form-urlencoded" {
            return Err(Problem::new(&catalog::UNSUPPORTED_MEDIA_TYPE, "the console takes forms: application/x-www-form-urlencoded"));
        }
        Ok(Self::read(bytes))
    }

    pub(super) fn read(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// The first text of that name; empty when there is none.
    #[must_use]
    pub fn one(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// The text of that name, if it is there and not empty.
    #[must_use]
    pub fn some(&self, name: &str) -> Option<&str> {
        Some(self.one(name)).filter(|text| !text.is_empty())
    }

    /// Every text of that name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, text)| text.as_str())
    }
}

/// An address of these pairs; those without a text are left out.
#[must_use]
pub fn address(path: &str, pairs: &[(&str, &str)]) -> String {
    let query = query(pairs);
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// The query of these pairs; those without a text are left out.
#[must_use]
pub fn query(pairs: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs.iter().filter(|(_, text)| !text.is_empty()));
    query.finish()
}
