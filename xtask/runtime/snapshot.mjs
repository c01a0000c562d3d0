// Copies the databases of a folder as they are at one instant, whoever writes to them meanwhile.
//
//   node xtask/runtime/snapshot.mjs FROM TO
//
// FROM is the folder in which the local runtime keeps D1; what it keeps for itself there (metadata.sqlite) stays behind.
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

const [from, to] = process.argv.slice(2);
mkdirSync(to, { recursive: true });
for (const name of readdirSync(from).filter((name) => name.endsWith(".sqlite") && name !== "metadata.sqlite")) {
  const database = new DatabaseSync(join(from, name));
  // One statement is one read transaction: it sees no half of anybody's batch.
  database.prepare("VACUUM INTO ?").run(join(to, name));
  database.close();
}
