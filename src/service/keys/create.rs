//! Making keys.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{change, manageable};
use crate::{
    audit::entry::{Action, Origin},
    base::{
        chance::{Entropy, NoEntropy},
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
    let id = KeyId::new(now, ports.entropy.as_ref())?;
    issue(ports, organization, draft, id, Kind::Standard, Admission::Open, Action::KeyCreated, author, now).await
}

/// What became of a creation that may be asked for twice.
pub enum MadeOnce {
    /// The key was made now.
    Now(Box<Created>),
    /// It was made before; its secret was shown then.
    Before(Box<KeyRecord>),
}

/// Makes a key for whoever may send the same form twice: what was made with the same `token` is not made again. The key's id
/// is derived from it, and an id is taken once.
///
/// # Errors
/// As [`create`].
pub async fn create_once(ports: &Ports, org: &str, body: &Value, author: Author, token: &str) -> Result<MadeOnce, Failure> {
    let organization = manageable(ports, org).await?;
    let now = ports.clock.now();
    let id = KeyId::new(now_of(token, now), &Derived::of(&organization, &author, token))?;
    if let Some(before) = ports.ledger.find_key(&id).await? {
        return Ok(MadeOnce::Before(Box::new(before)));
    }
    let draft = KeyDraft::read(body, &organization.policy, now).map_err(Failure::Invalid)?;
    may_impersonate(&organization.policy, draft.can_impersonate)?;
    let made = issue(ports, organization, draft, id.clone(), Kind::Standard, Admission::Open, Action::KeyCreated, author, now).await;
    match made {
        Ok(created) => Ok(MadeOnce::Now(Box::new(created))),
        // The other of two at once was first: to the truth a second row of that id is an error like any other.
        Err(failure @ Failure::Unavailable(_)) => match ports.ledger.find_key(&id).await? {
            Some(before) => Ok(MadeOnce::Before(Box::new(before))),
            None => Err(failure),
        },
        Err(failure) => Err(failure),
    }
}

/// How long a form can be open.
const MAX_FORM_AGE_MS: i64 = 86_400_000;

/// The time within an id must be the same each time: it is the token's, which begins with its milliseconds.
fn now_of(token: &str, now: Timestamp) -> Timestamp {
    let told = token.split('.').next().and_then(|ms| ms.parse().ok()).map(Timestamp::from_ms);
    told.filter(|at| *at <= now && *at >= now.plus_ms(-MAX_FORM_AGE_MS)).unwrap_or(now)
}

/// The random part of an id, derived: nobody can aim at the id of another organization's or person's key.
struct Derived([u8; 32]);

impl Derived {
    fn of(organization: &Organization, author: &Author, token: &str) -> Self {
        let digest = Sha256::new().chain_update(organization.id.text().as_str()).chain_update([0]).chain_update(&author.origin.actor.id);
        Self(digest.chain_update([0]).chain_update(token).finalize().into())
    }
}

impl Entropy for Derived {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        bytes.iter_mut().zip(self.0).for_each(|(byte, derived)| *byte = derived);
        Ok(())
    }
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
    key_id: KeyId,
    kind: Kind,
    admission: Admission,
    action: Action,
    author: Author,
    now: Timestamp,
) -> Result<Created, Failure> {
    let entropy = ports.entropy.as_ref();
    let secret = Key::generate(&organization.policy.key_prefix, entropy)?;
    let issue =
        Issue { key_id, secret: SecretRecord::of(SecretId::new(now, entropy)?, &secret, now), created_by: author.origin.actor.clone() };
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
