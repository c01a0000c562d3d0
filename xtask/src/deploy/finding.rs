//! What a check found, and what to do about it.

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    Good,
    /// Works, and may not be what is meant.
    Hint,
    /// Would fail, or leave a deployment that cannot work.
    Wrong,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub weight: Weight,
    pub what: String,
    /// What to do; empty where there is nothing to do.
    pub how: String,
}

impl Finding {
    pub fn good(what: impl Into<String>) -> Self {
        Self { weight: Weight::Good, what: what.into(), how: String::new() }
    }

    pub fn hint(what: impl Into<String>, how: impl Into<String>) -> Self {
        Self { weight: Weight::Hint, what: what.into(), how: how.into() }
    }

    pub fn wrong(what: impl Into<String>, how: impl Into<String>) -> Self {
        Self { weight: Weight::Wrong, what: what.into(), how: how.into() }
    }

    pub fn print(&self) {
        let mark = match self.weight {
            Weight::Good => "ok   ",
            Weight::Hint => "hint ",
            Weight::Wrong => "WRONG",
        };
        println!("  {mark}  {}", self.what);
        for line in self.how.lines() {
            println!("           {line}");
        }
    }
}
