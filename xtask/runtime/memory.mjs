// Fills the memory of one isolate with hot keys, in the wasm that is deployed but for its entries, and tells how large it
// became. It decides out of memory alone, so whatever it would import from JavaScript is not there.
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { wasm: { type: "string" }, keys: { type: "string" } } });
const module = await WebAssembly.compile(await readFile(values.wasm));
const imports = {};
for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
  if (kind !== "function") throw new Error(`unexpected import ${from}.${name}`);
  (imports[from] ??= {})[name] = () => {
    throw new Error(`${from}.${name} was called`);
  };
}
const { exports } = await WebAssembly.instantiate(module, imports);
const rows = [];
let added = 0;
for (const keys of values.keys.split(",").map(Number)) {
  const known = exports.add_keys(keys - added);
  added = keys;
  rows.push({ added, known, bytes: exports.memory.buffer.byteLength });
}
console.log(JSON.stringify(rows));
