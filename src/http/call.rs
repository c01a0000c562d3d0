//! A request on its way through a handler: what came in, who sent it, what it may use.

use worker::Env;

use super::inbound::{BodyError, Inbound};
use crate::{
    audit::entry::Origin,
    authn::principal::Principal,
    base::{actor::Actor, id::RequestId},
    config::Config,
    decision::facts::{Ask, RequestLine},
    network::address,
    ports::Ports,
    service::{author::Author, memory::Memory},
    token::format::without_keys,
};

/// What every handler gets.
pub struct Call<'a> {
    /// The request.
    pub inbound: &'a Inbound,
    /// Its body, where the route asks who calls; none elsewhere.
    pub body: Result<Vec<u8>, BodyError>,
    /// The parameters of its path.
    pub params: Vec<(String, String)>,
    /// The outside.
    pub ports: &'a Ports,
    /// The deployment's bindings, for what is passed on as it is.
    pub env: &'a Env,
    /// What the isolate remembers.
    pub memory: &'a Memory,
    /// The settings.
    pub config: &'a Config,
    /// Who calls, where the route asks.
    pub principal: Option<Principal>,
    /// The request's id.
    pub request_id: &'a RequestId,
}

const MAX_USER_AGENT_CHARS: usize = 300;

impl Call<'_> {
    /// A parameter of the path; a route that names it has it.
    #[must_use]
    pub fn param(&self, name: &str) -> &str {
        self.find_param(name).unwrap_or_default()
    }

    /// The key that the path names, if its route has one.
    #[must_use]
    pub fn named_key(&self) -> Option<&str> {
        self.find_param("key")
    }

    /// The organization that the path names, if its route has one.
    #[must_use]
    pub fn named_org(&self) -> Option<&str> {
        self.find_param("org")
    }

    fn find_param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The client's address as the platform tells it. The platform overwrites what a client sends.
    #[must_use]
    pub fn client_ip(&self) -> Option<std::net::IpAddr> {
        self.inbound.header("cf-connecting-ip").and_then(|text| address::parse(&text).ok())
    }

    /// The call as something that is asked of the key that makes it.
    #[must_use]
    pub fn ask(&self) -> Ask {
        let line = RequestLine::of(Some(self.inbound.method()), Some(self.inbound.path()));
        Ask { ip: self.client_ip(), line, ..Ask::plain() }
    }

    /// Who changes keys, and what bounds them.
    #[must_use]
    pub fn author(&self) -> Author {
        Author { origin: self.origin(), bounds: self.principal.as_ref().and_then(Principal::bounds).cloned() }
    }

    /// Where a change comes from, for the audit log.
    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin {
            actor: self.principal.as_ref().map_or_else(Actor::system, Principal::actor),
            ip: self.client_ip().map(|ip| ip.to_string()),
            user_agent: self.inbound.header("user-agent").map(|text| without_keys(&text).chars().take(MAX_USER_AGENT_CHARS).collect()),
            request_id: self.request_id.clone(),
        }
    }
}
