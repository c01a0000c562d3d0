//! The book of what was asked of a key, in the object's own SQLite storage.

use super::{failure::Failure, sql::Sql};
use crate::usage::rows::Rows;

/// The rows of one object.
pub struct ObjectRows {
    sql: Sql,
}

impl ObjectRows {
    /// The rows of an object; their table is made if it is missing.
    ///
    /// # Errors
    /// When storage fails.
    pub fn open(sql: Sql) -> Result<Self, Failure> {
        sql.exec("CREATE TABLE IF NOT EXISTS usage (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID", [])?;
        Ok(Self { sql })
    }
}

impl Rows for ObjectRows {
    type Error = Failure;

    fn find(&self, name: &str) -> Result<Option<String>, Failure> {
        Ok(self.sql.exec("SELECT value FROM usage WHERE name = ?", [name])?.pop())
    }

    fn list(&self, prefix: &str) -> Result<Vec<(String, String)>, Failure> {
        // Names are ASCII: what begins with the prefix sorts before the prefix and the highest character.
        let select = "SELECT name, value FROM usage WHERE name >= ? AND name < ? || char(127) ORDER BY name";
        let mut texts = self.sql.exec(select, [prefix, prefix])?.into_iter();
        Ok(std::iter::from_fn(|| Some((texts.next()?, texts.next()?))).collect())
    }

    fn put(&self, name: &str, text: &str) -> Result<(), Failure> {
        let upsert = "INSERT INTO usage (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        self.sql.exec(upsert, [name, text]).map(drop)
    }

    fn remove(&self, name: &str) -> Result<(), Failure> {
        self.sql.exec("DELETE FROM usage WHERE name = ?", [name]).map(drop)
    }
}
