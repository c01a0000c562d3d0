//! The one sight of a secret.

use askama::Template;

use super::texts::t;
use crate::{http::call::Call, key::record::KeyRecord};

/// The secret of a new or a rotated key: masked until somebody asks for it, copied without being seen.
#[derive(Template)]
#[template(path = "console/secret.html")]
pub struct SecretPanel<'a> {
    key: &'a KeyRecord,
    secret: &'a str,
    /// Where its holder can ask about it, without spending anything.
    whoami: String,
    done: String,
    note: &'static str,
}

impl<'a> SecretPanel<'a> {
    /// Of a new key.
    #[must_use]
    pub fn of_new(call: &Call<'_>, key: &'a KeyRecord, secret: &'a str) -> Self {
        Self { key, secret, whoami: whoami(call), done: "/portal".to_owned(), note: t("secret.once") }
    }

    /// Of a rotated key.
    #[must_use]
    pub fn of_rotated(call: &Call<'_>, key: &'a KeyRecord, secret: &'a str) -> Self {
        Self { key, secret, whoami: whoami(call), done: format!("/portal/keys/{}", key.id), note: t("secret.once.rotated") }
    }
}

fn whoami(call: &Call<'_>) -> String {
    format!("{}/v1/whoami", call.inbound.origin())
}
