// Fills the memory of one isolate with hot keys and decides out of it, in the wasm that is deployed but for its entries:
// how large the memory became, and how long a decision takes. Whatever it would import from JavaScript is not there.
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { wasm: { type: "string" }, keys: { type: "string" }, decisions: { type: "string" }, rounds: { type: "string" } },
});
const module = await WebAssembly.compile(await readFile(values.wasm));
const imports = {};
for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
  if (kind !== "function") throw new Error(`unexpected import ${from}.${name}`);
  (imports[from] ??= {})[name] = () => {
    throw new Error(`${from}.${name} was called`);
  };
}
const isolate = async () => (await WebAssembly.instantiate(module, imports)).exports;
const sizes = values.keys.split(",").map(Number);

const filled = await isolate();
const memory = [];
let added = 0;
for (const keys of sizes) {
  const known = filled.add_keys(keys - added);
  added = keys;
  memory.push({ added, known, bytes: filled.memory.buffer.byteLength });
}

// Rounds take turns, so that a machine which slows down slows all.
const decisions = Number(values.decisions);
const timed = [];
for (const keys of sizes) {
  const deciding = await isolate();
  deciding.add_credentials(keys);
  timed.push({ deciding, ns: [], decided: 0 });
}
for (let round = 0; round <= Number(values.rounds); round++) {
  for (const times of timed.slice(1)) {
    const { deciding, ns } = times;
    deciding.renew_leases();
    const start = process.hrtime.bigint();
    times.decided = deciding.decide(decisions);
    // The first round is for the compiler.
    if (round > 0) ns.push(Number(process.hrtime.bigint() - start) / decisions);
  }
}
console.log(JSON.stringify({ memory, decisions: timed.map(({ ns }) => ns), decided: timed.map(({ decided }) => decided) }));
