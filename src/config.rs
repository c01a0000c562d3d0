//! The deployment's settings, read once in the life of an isolate.

pub mod decision_log;
pub mod gateway;

use self::{
    decision_log::{BadLogSetting, DecisionLog},
    gateway::{BadGatewaySetting, Gateway, ORIGIN},
};
use crate::authn::{
    member::{BadMemberSetting, MemberSettings},
    operator::{BadOperatorSetting, OperatorTokens},
};

/// What the deployment is told by its variables.
pub struct Config {
    /// Who may do everything (`OPERATOR_TOKEN_SHA256`).
    pub operator: Result<OperatorTokens, BadOperatorSetting>,
    /// Whose tokens members bring (`MEMBER_ISSUER` and its like); `None`: nobody's.
    pub member: Result<Option<MemberSettings>, BadMemberSetting>,
    /// Whether forward auth and the gateway also take a key from `X-API-Key` (`ACCEPT_X_API_KEY`).
    pub accept_x_api_key: bool,
    /// What stands before the customer's own API (`GATEWAY_HOST` and its like); `None`: nothing.
    pub gateway: Result<Option<Gateway>, BadGatewaySetting>,
    /// What is told of decisions in the log (`DECISION_LOG` and its like).
    pub decision_log: Result<DecisionLog, BadLogSetting>,
}

impl Config {
    /// Reads the settings; `variable` gives a variable's text, `has_binding` whether the deployment binds that name.
    pub fn read(variable: impl Fn(&str) -> Option<String>, has_binding: impl Fn(&str) -> bool) -> Self {
        Self {
            operator: OperatorTokens::read(variable("OPERATOR_TOKEN_SHA256").as_deref()),
            member: MemberSettings::read(&variable),
            accept_x_api_key: variable("ACCEPT_X_API_KEY").is_some_and(|text| text == "true"),
            gateway: Gateway::read(&variable, has_binding(ORIGIN)),
            decision_log: DecisionLog::read(&variable),
        }
    }

    /// The gateway, if a request to that scheme and authority is one to it.
    #[must_use]
    pub fn gateway_at(&self, origin: &str) -> Option<&Gateway> {
        self.gateway.as_ref().ok()?.as_ref().filter(|gateway| gateway.serves(origin))
    }

    /// What keeps the deployment from working, if anything.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let operator = match &self.operator {
            Err(refusal) => Some(refusal.to_string()),
            Ok(tokens) if tokens.is_empty() => {
                Some("OPERATOR_TOKEN_SHA256 is not set: nobody can make organizations or service keys".to_owned())
            }
            Ok(_) => None,
        };
        let member = self.member.as_ref().err().map(ToString::to_string);
        let gateway = match &self.gateway {
            Err(refusal) => Some(refusal.to_string()),
            Ok(gateway) => gateway.as_ref().and_then(Gateway::problem).map(|refusal| refusal.to_string()),
        };
        let log = self.decision_log.as_ref().err().map(ToString::to_string);
        let problems: Vec<String> = operator.into_iter().chain(member).chain(gateway).chain(log).collect();
        (!problems.is_empty()).then(|| problems.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_wrong_is_named() {
        let read = |variables: &[(&str, &str)]| {
            let find = |name: &str| variables.iter().find(|(variable, _)| *variable == name).map(|(_, text)| (*text).to_owned());
            Config::read(find, |_| false).problem()
        };
        let digest = "ab".repeat(32);
        assert_eq!(read(&[("OPERATOR_TOKEN_SHA256", &digest)]), None);
        let half = read(&[("OPERATOR_TOKEN_SHA256", &digest), ("MEMBER_ISSUER", "https://idp.example")]).unwrap();
        assert!(half.starts_with("MEMBER_AUDIENCE is not set"), "{half}");
        let both = read(&[("MEMBER_JWKS_URL", "https://idp.example/keys")]).unwrap();
        assert!(both.contains("OPERATOR_TOKEN_SHA256") && both.contains("MEMBER_ISSUER is not set"), "{both}");
        for (name, value) in
            [("GATEWAY_HOST", "api.example.com"), ("GATEWAY_HOST", "http://"), ("ORIGIN_URL", "https://origin.example.com")]
        {
            let gateway = read(&[("OPERATOR_TOKEN_SHA256", &digest), (name, value)]).unwrap();
            assert!(gateway.contains("GATEWAY_HOST"), "{gateway}");
        }
        for name in ["DECISION_LOG", "DECISION_LOG_SAMPLE", "DECISION_LOG_IP"] {
            let log = read(&[("OPERATOR_TOKEN_SHA256", &digest), (name, "some")]).unwrap();
            assert!(log.starts_with(&format!("{name} must be")), "{log}");
        }
    }
}
