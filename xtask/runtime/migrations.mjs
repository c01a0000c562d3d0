// Applies migrations/*.sql with the bookkeeping of `wrangler d1 migrations apply`, in the process that has the
// database open: starting wrangler for it would take two seconds per fleet.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { unstable_splitSqlQuery as splitStatements } from "wrangler";

const LEDGER = `CREATE TABLE IF NOT EXISTS d1_migrations(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`;

export async function applyMigrations(db, folder) {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".sql")).sort() : [];
  if (names.length === 0) return;
  await db.prepare(LEDGER).run();
  const { results } = await db.prepare("SELECT name FROM d1_migrations").all();
  const applied = new Set(results.map((row) => row.name));
  for (const name of names.filter((name) => !applied.has(name))) {
    const statements = splitStatements(readFileSync(join(folder, name), "utf8"));
    // One batch is one transaction: a migration is applied and recorded, or neither.
    await db.batch([
      ...statements.map((sql) => db.prepare(sql)),
      db.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name),
    ]);
  }
}

// Runs the statements of a file, all or none.
export async function runFile(db, path) {
  await db.batch(splitStatements(readFileSync(path, "utf8")).map((sql) => db.prepare(sql)));
}
