//! The deployment's settings, read once in the life of an isolate.

use crate::authn::operator::{BadOperatorSetting, OperatorTokens};

/// What the deployment is told by its variables.
pub struct Config {
    /// Who may do everything (`OPERATOR_TOKEN_SHA256`).
    pub operator: Result<OperatorTokens, BadOperatorSetting>,
    /// Whether forward auth also takes a key from `X-API-Key` (`ACCEPT_X_API_KEY`).
    pub accept_x_api_key: bool,
}

impl Config {
    /// Reads the settings; `variable` gives a variable's text.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            operator: OperatorTokens::read(variable("OPERATOR_TOKEN_SHA256").as_deref()),
            accept_x_api_key: variable("ACCEPT_X_API_KEY").is_some_and(|text| text == "true"),
        }
    }

    /// What keeps the deployment from working, if anything.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        match &self.operator {
            Err(refusal) => Some(refusal.to_string()),
            Ok(tokens) if tokens.is_empty() => Some("OPERATOR_TOKEN_SHA256 is not set: nobody can create organizations or keys".to_owned()),
            Ok(_) => None,
        }
    }
}
