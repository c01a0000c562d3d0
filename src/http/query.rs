//! Query strings: `application/x-www-form-urlencoded`, with the same care as bodies.

use crate::base::document::{Faults, join};

/// The parameters of a query, in order.
pub struct Query {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
}

impl Query {
    /// Reads a query string without its question mark.
    #[must_use]
    pub fn read(text: &str) -> Self {
        Self { pairs: form_urlencoded::parse(text.as_bytes()).into_owned().collect(), known: Vec::new() }
    }

    /// Every value of a parameter.
    pub fn all(&mut self, name: &'static str) -> Vec<&str> {
        self.known.push(name);
        self.pairs.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The value of a parameter that may stand once.
    pub fn one(&mut self, name: &'static str, faults: &mut Faults) -> Option<String> {
        let values = self.all(name);
        if values.len() > 1 {
            faults.value(&format!("/{name}"), "must be given once");
        }
        values.first().map(ToString::to_string)
    }

    /// Refuses every parameter that was never asked for: a mistyped filter must not show everything.
    pub fn close(self, faults: &mut Faults) {
        let known = if self.known.is_empty() { "this takes none".to_owned() } else { format!("known are: {}", self.known.join(", ")) };
        for (name, _) in self.pairs.iter().filter(|(name, _)| !self.known.contains(&name.as_str())) {
            faults.value(&join("", name), format!("is not a known parameter; {known}"));
        }
    }
}
