//! A guard's state in the object's own SQLite storage: one row, as JSON with its format.

use serde::{Deserialize, Serialize};
use worker::SqlStorage;

use crate::limit::guard::Guard;

const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Stored<T> {
    format: u32,
    guard: T,
}

#[derive(Deserialize)]
struct Row {
    value: String,
}

/// The row that holds a guard.
pub struct Cell {
    sql: SqlStorage,
}

impl Cell {
    /// The cell of an object; its table is made if it is missing.
    ///
    /// # Errors
    /// When storage fails.
    pub fn open(sql: SqlStorage) -> worker::Result<Self> {
        sql.exec("CREATE TABLE IF NOT EXISTS cell (id INTEGER PRIMARY KEY CHECK (id = 1), value TEXT NOT NULL)", None)?;
        Ok(Self { sql })
    }

    /// The guard as it was saved; `None` when it never was, or by a release that this one does not know: the truth has
    /// the record, and a window that cannot be read counts as lost.
    ///
    /// # Errors
    /// When storage fails.
    pub fn load(&self) -> worker::Result<Option<Guard>> {
        let rows: Vec<Row> = self.sql.exec("SELECT value FROM cell", None)?.to_array()?;
        let stored = rows.first().and_then(|row| serde_json::from_str::<Stored<Guard>>(&row.value).ok());
        Ok(stored.filter(|stored| stored.format == FORMAT).map(|stored| stored.guard))
    }

    /// Saves the guard. The object's output gate holds every reply until this is durable.
    ///
    /// # Errors
    /// When storage fails.
    pub fn save(&self, guard: &Guard) -> worker::Result<()> {
        let value = serde_json::to_string(&Stored { format: FORMAT, guard })?;
        let values = vec![value.into()];
        self.sql.exec("INSERT INTO cell (id, value) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET value = excluded.value", values)?;
        Ok(())
    }
}
