//! A guard's state in the object's own SQLite storage: one row, as JSON with its format.

use serde::{Deserialize, Serialize};

use super::{failure::Failure, sql::Sql};
use crate::{base::json, limit::guard::Guard};

const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Stored<T> {
    format: u32,
    guard: T,
}

/// The row that holds a guard.
pub struct Cell {
    sql: Sql,
}

impl Cell {
    /// The cell of an object; its table is made if it is missing.
    ///
    /// # Errors
    /// When storage fails.
    pub fn open(sql: Sql) -> Result<Self, Failure> {
        sql.exec("CREATE TABLE IF NOT EXISTS cell (id INTEGER PRIMARY KEY CHECK (id = 1), value TEXT NOT NULL)", [])?;
        Ok(Self { sql })
    }

    /// The guard as it was saved; `None` when it never was, or by a release that this one does not know: the truth has
    /// the record, and a window that cannot be read counts as lost.
    ///
    /// # Errors
    /// When storage fails.
    pub fn load(&self) -> Result<Option<Guard>, Failure> {
        let value = self.sql.exec("SELECT value FROM cell", [])?.pop();
        let stored = value.and_then(|value| json::read::<Stored<Guard>>(&value).ok());
        Ok(stored.filter(|stored| stored.format == FORMAT).map(|stored| stored.guard))
    }

    /// Saves the guard. The object's output gate holds every reply until this is durable.
    ///
    /// # Errors
    /// When storage fails, or the guard cannot be written.
    pub fn save(&self, guard: &Guard) -> Result<(), Failure> {
        let value = serde_json::to_string(&Stored { format: FORMAT, guard })?;
        let upsert = "INSERT INTO cell (id, value) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET value = excluded.value";
        self.sql.exec(upsert, [&value]).map(drop)
    }
}
