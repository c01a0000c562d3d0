//! The book of what was asked of a key, in the object's own SQLite storage.

use serde::Deserialize;
use worker::{SqlStorage, SqlStorageValue};

use crate::usage::book::Rows;

#[derive(Deserialize)]
struct Row {
    name: String,
    value: String,
}

/// The rows of one object.
pub struct ObjectRows {
    sql: SqlStorage,
}

impl ObjectRows {
    /// The rows of an object; their table is made if it is missing.
    ///
    /// # Errors
    /// When storage fails.
    pub fn open(sql: SqlStorage) -> worker::Result<Self> {
        sql.exec("CREATE TABLE IF NOT EXISTS usage (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID", None)?;
        Ok(Self { sql })
    }

    fn select(&self, condition: &str, values: Vec<SqlStorageValue>) -> worker::Result<Vec<Row>> {
        self.sql.exec(&format!("SELECT name, value FROM usage WHERE {condition} ORDER BY name"), values)?.to_array()
    }
}

impl Rows for ObjectRows {
    type Error = worker::Error;

    fn find(&self, name: &str) -> worker::Result<Option<String>> {
        Ok(self.select("name = ?", vec![name.into()])?.pop().map(|row| row.value))
    }

    fn list(&self, prefix: &str) -> worker::Result<Vec<(String, String)>> {
        // Names are ASCII: what begins with the prefix sorts before the prefix and the highest character.
        let found = self.select("name >= ? AND name < ? || char(127)", vec![prefix.into(), prefix.into()])?;
        Ok(found.into_iter().map(|row| (row.name, row.value)).collect())
    }

    fn put(&self, name: &str, text: &str) -> worker::Result<()> {
        let upsert = "INSERT INTO usage (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        self.sql.exec(upsert, vec![name.into(), text.into()]).map(drop)
    }

    fn remove(&self, name: &str) -> worker::Result<()> {
        self.sql.exec("DELETE FROM usage WHERE name = ?", vec![name.into()]).map(drop)
    }
}
