//! What is known of the key, and what is asked of it.

use std::net::IpAddr;

use crate::{
    key::record::{KeyRecord, SecretRecord},
    policy::{org::Organization, scope::Requirement},
};

/// The newest records that are known.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The key.
    pub key: &'a KeyRecord,
    /// The secret of it that was presented.
    pub secret: &'a SecretRecord,
    /// Its organization.
    pub organization: &'a Organization,
}

/// What a request asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What it needs.
    pub requirement: Requirement,
    /// Where it comes from, if known.
    pub ip: Option<IpAddr>,
    /// The user it wants to act for.
    pub act_as: Option<String>,
    /// How many tokens it costs, at least 1.
    pub cost: u32,
    /// Whether it only looks: nothing is spent, nothing counted.
    pub peek: bool,
}

impl Ask {
    /// A request that needs nothing but a good key.
    #[must_use]
    pub fn plain() -> Self {
        Self { requirement: Requirement::nothing(), ip: None, act_as: None, cost: 1, peek: false }
    }
}
