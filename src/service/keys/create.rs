//! Making keys.

use serde_json::Value;

use super::{change, manageable};
use crate::{
    audit::entry::{Action, Origin},
    base::{
        id::{KeyId, SecretId},
        secret::Plaintext,
        time::Timestamp,
    },
    key::{
        draft::{Issue, KeyDraft},
        record::{KeyRecord, Kind, SecretRecord},
    },
    policy::{org::Organization, rules::Policy},
    ports::{Added, Admission, Ports},
    service::{author::Author, failure::Failure, publish},
    token::format::Key,
};

/// A new key and the only sight of its secret.
pub struct Created {
    /// The key.
    pub key: KeyRecord,
    /// Its secret.
    pub secret: Plaintext,
}

/// Makes a key.
///
/// # Errors
/// [`Failure::Invalid`] for a bad body or a value that the policy rules out, [`Failure::PolicyForbids`],
/// [`Failure::BeyondOwn`], [`Failure::FeatureDisabled`], [`Failure::NotFound`] without such an organization.
pub async fn create(ports: &Ports, org: &str, body: &Value, author: Author) -> Result<Created, Failure> {
    let organization = manageable(ports, org).await?;
    let now = ports.clock.now();
    let draft = KeyDraft::read(body, &organization.policy, now).map_err(Failure::Invalid)?;
    may_impersonate(&organization.policy, draft.can_impersonate)?;
    issue(ports, organization, draft, Kind::Standard, Admission::Open, Action::KeyCreated, author, now).await
}

/// Refuses to let a key act for users where the policy rules that out.
pub(super) fn may_impersonate(policy: &Policy, wanted: bool) -> Result<(), Failure> {
    if wanted && !policy.impersonation { Err(Failure::PolicyForbids { operation: "impersonation" }) } else { Ok(()) }
}

/// Makes a key with a new secret out of a draft.
#[expect(clippy::too_many_arguments, reason = "what a key is made of; a struct for two callers would only name them again")]
pub(super) async fn issue(
    ports: &Ports,
    organization: Organization,
    draft: KeyDraft,
    kind: Kind,
    admission: Admission,
    action: Action,
    author: Author,
    now: Timestamp,
) -> Result<Created, Failure> {
    let entropy = ports.entropy.as_ref();
    let secret = Key::generate(&organization.policy.key_prefix, entropy)?;
    let issue = Issue {
        key_id: KeyId::new(now, entropy)?,
        secret: SecretRecord::of(SecretId::new(now, entropy)?, &secret, now),
        created_by: author.origin.actor.clone(),
    };
    let key = draft.into_record(organization.id, kind, &issue);
    author.may_grant(&key, None)?;
    add(ports, &key, admission, action, author.origin, now).await?;
    Ok(Created { key, secret: secret.plaintext().clone() })
}

/// Adds a key to the truth and files it in the index.
pub(super) async fn add(
    ports: &Ports,
    key: &KeyRecord,
    admission: Admission,
    action: Action,
    origin: Origin,
    now: Timestamp,
) -> Result<(), Failure> {
    let audit = change::entry(ports, action, None, Some(key), origin, now)?;
    match ports.ledger.create_key(key, admission, &audit).await? {
        Added::Done => {
            publish::announce_key(ports, key).await;
            Ok(())
        }
        Added::DigestTaken => Err(Failure::CredentialTaken),
        Added::CapReached => Err(Failure::TooManyTemporary),
    }
}
