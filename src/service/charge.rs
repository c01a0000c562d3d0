//! One request's claim on the tokens of its key and of its organization: all or nothing.
//!
//! Both guards are asked at once. Whatever the outcome, no token of one stays taken when the other did not give its
//! own; what a guard that failed may have done is unknown, and counts as spent.

use futures_util::future::join;

use crate::{
    base::time::Timestamp,
    decision::{facts::Ask, verdict::Denial},
    key::record::KeyRecord,
    limit::{
        guard::{Command, Reply, Terms},
        window::Quota,
    },
    policy::org::Organization,
    ports::{Outage, Ports, Subject},
};

/// The claim.
pub struct Charge {
    key: Subject,
    org: Subject,
    from_key: Command,
    from_org: Command,
    /// What a grant takes; none for a look or a peek.
    tokens: u32,
}

/// What came of it.
pub enum Charged {
    /// Nothing was taken: the caller judged by older records than are in force.
    Stale {
        /// The key's newer terms.
        key: Option<Terms>,
        /// The organization's.
        org: Option<Terms>,
    },
    /// One of them was never there.
    Unknown,
    /// Both guards vouch for the versions; the tokens were taken, or why not.
    Current {
        /// Taken, or refused for want of tokens.
        outcome: Result<(), Denial>,
        /// What is left of the key's rate; `None` without a limit.
        quota: Option<Quota>,
        /// What is left of the organization's.
        org_quota: Option<Quota>,
    },
}

impl Charge {
    /// The claim of a request that was judged by these records. Only one that `passed` asks for tokens.
    #[must_use]
    pub fn of(key: &KeyRecord, organization: Option<&Organization>, ask: &Ask, passed: bool) -> Self {
        let want = if passed { ask.cost } else { 0 };
        let acquire = |version_known| Command::Acquire { version_known, want, peek: ask.peek };
        Self {
            key: Subject::Key(key.id.clone()),
            org: Subject::Org(key.org_id.clone()),
            from_key: acquire(key.version),
            from_org: acquire(organization.map_or(0, |organization| organization.version)),
            tokens: if ask.peek { 0 } else { want },
        }
    }

    /// Makes the claim.
    ///
    /// # Errors
    /// When a guard does not answer, or not what guards answer: there is no decision then.
    pub async fn make(&self, ports: &Ports) -> Result<Charged, Outage> {
        let (of_key, of_org) = join(ports.guards.send(&self.key, &self.from_key), ports.guards.send(&self.org, &self.from_org)).await;
        let (of_key, of_org) = match (of_key, of_org) {
            (Ok(of_key), Ok(of_org)) => (of_key, of_org),
            (Err(outage), Ok(of_org)) => {
                let _ = self.release(ports, &self.org, &of_org).await;
                return Err(outage);
            }
            (Ok(of_key), Err(outage)) => {
                let _ = self.release(ports, &self.key, &of_key).await;
                return Err(outage);
            }
            (Err(outage), Err(_)) => return Err(outage),
        };
        match (of_key, of_org) {
            (Reply::Granted { quota, .. }, Reply::Granted { quota: org_quota, .. }) => {
                Ok(Charged::Current { outcome: Ok(()), quota, org_quota })
            }
            (of_key, of_org) => {
                self.release(ports, &self.key, &of_key).await?;
                self.release(ports, &self.org, &of_org).await?;
                self.refused(of_key, of_org, ports.clock.now())
            }
        }
    }

    fn refused(&self, of_key: Reply, of_org: Reply, now: Timestamp) -> Result<Charged, Outage> {
        match (of_key, of_org) {
            (Reply::Unknown, _) | (_, Reply::Unknown) => Ok(Charged::Unknown),
            (of_key @ Reply::Newer { .. }, of_org) | (of_key, of_org @ Reply::Newer { .. }) => {
                Ok(Charged::Stale { key: newer(of_key), org: newer(of_org) })
            }
            (of_key, of_org) => {
                let waits = [wait(&of_key, now)?, wait(&of_org, now)?];
                let (quota, org_quota) = (self.quota(&of_key), self.quota(&of_org));
                Ok(Charged::Current { outcome: Err(longest(&waits)), quota, org_quota })
            }
        }
    }

    /// Gives back what a guard granted; of any other answer, nothing.
    async fn release(&self, ports: &Ports, subject: &Subject, reply: &Reply) -> Result<(), Outage> {
        match reply {
            Reply::Granted { granted_at, quota: Some(_) } if self.tokens > 0 => {
                let command = Command::Release { tokens: self.tokens, granted_at: *granted_at };
                ports.guards.send(subject, &command).await.map(drop)
            }
            _ => Ok(()),
        }
    }

    /// What is left after a grant went back.
    fn quota(&self, reply: &Reply) -> Option<Quota> {
        match reply {
            Reply::Granted { quota, .. } => {
                quota.map(|quota| Quota { remaining: quota.remaining.saturating_add(self.tokens).min(quota.limit), ..quota })
            }
            Reply::Limited { quota, .. } => Some(*quota),
            _ => None,
        }
    }
}

fn newer(reply: Reply) -> Option<Terms> {
    match reply {
        Reply::Newer { terms } => Some(terms),
        _ => None,
    }
}

/// How long a guard asks to wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// Not at all: it granted.
    None,
    /// So many milliseconds.
    Ms(u64),
    /// For ever: more was asked for than the limit itself.
    ForEver,
}

fn wait(reply: &Reply, now: Timestamp) -> Result<Wait, Outage> {
    match reply {
        Reply::Granted { .. } => Ok(Wait::None),
        Reply::Limited { retry_at: Some(moment), .. } => Ok(Wait::Ms(u64::try_from(moment.ms() - now.ms()).unwrap_or(0).max(1))),
        Reply::Limited { retry_at: None, .. } => Ok(Wait::ForEver),
        other => Err(Outage::Guard { cause: format!("answered a charge with {other:?}") }),
    }
}

fn longest(waits: &[Wait]) -> Denial {
    let ms = waits.iter().map(|wait| if let Wait::Ms(ms) = wait { *ms } else { 0 }).max();
    Denial::RateLimited { retry_after_ms: ms.filter(|_| !waits.contains(&Wait::ForEver)) }
}
