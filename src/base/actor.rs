//! Who is recorded: as the maker of a key, the doer of a change, the one a request was made for.

use serde::{Deserialize, Serialize};

/// The kind of somebody who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorType {
    /// The platform's operator.
    Operator,
    /// A backend with a service key.
    Service,
    /// A person of an organization.
    Member,
    /// A key acting as itself.
    Key,
    /// A user for whom a key acts.
    User,
    /// Latchkey itself.
    System,
}

impl ActorType {
    const ALL: [Self; 6] = [Self::Operator, Self::Service, Self::Member, Self::Key, Self::User, Self::System];

    /// The word for it in the API and in the truth.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Service => "service",
            Self::Member => "member",
            Self::Key => "key",
            Self::User => "user",
            Self::System => "system",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Somebody who acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The kind.
    #[serde(rename = "type")]
    pub kind: ActorType,
    /// Its id, as its kind has them.
    pub id: String,
    /// What people call it.
    pub name: String,
}

impl Actor {
    /// The holder of the operator token.
    #[must_use]
    pub fn operator() -> Self {
        Self { kind: ActorType::Operator, id: "operator".to_owned(), name: "Operator".to_owned() }
    }

    /// Latchkey itself, in what the cron does.
    #[must_use]
    pub fn system() -> Self {
        Self { kind: ActorType::System, id: "system".to_owned(), name: "Latchkey".to_owned() }
    }
}
