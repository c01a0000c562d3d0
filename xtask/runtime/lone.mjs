// One worker without bindings in a runtime of its own, on a direct socket: what a measurement compares the fleet with.
//
//   node xtask/runtime/lone.mjs --main FILE [--wasm FILE] [--exit-with-stdin]
//
// Prints one line of JSON ({"edges": [URL], "pid": …}), then "ready", as fleet.mjs does.
import { readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Log, LogLevel, Miniflare, convertV4MiniflareOptions } from "miniflare";
import { readConfig } from "./config.mjs";

const root = resolve(import.meta.dirname, "../..");
const { values: options } = parseArgs({
  options: {
    main: { type: "string" },
    wasm: { type: "string" },
    "exit-with-stdin": { type: "boolean", default: false },
  },
});
let lone;
let stopping = false;

async function stop(code) {
  if (stopping) return;
  stopping = true;
  setTimeout(() => process.exit(code), 5_000).unref();
  await lone?.dispose().catch(() => {});
  process.exit(code);
}

process.on("SIGINT", () => stop(0));
process.on("SIGTERM", () => stop(0));
process.on("SIGHUP", () => stop(0));
if (options["exit-with-stdin"]) {
  process.stdin.on("end", () => stop(0)).on("error", () => stop(0)).resume();
}

// Side by side in the bundle's terms, wherever the files are: their names are what imports mean.
function modules() {
  const main = resolve(options.main);
  const files = [{ type: "ESModule", path: main, contents: readFileSync(main, "utf8") }];
  if (options.wasm) {
    const path = join(dirname(main), basename(options.wasm));
    files.push({ type: "CompiledWasm", path, contents: readFileSync(options.wasm) });
  }
  return { modules: files, modulesRoot: dirname(main) };
}

try {
  const { compatibilityDate } = readConfig(join(root, "wrangler.toml"));
  const worker = { name: "lone", ...modules(), compatibilityDate, unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }] };
  lone = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      cf: false,
      telemetry: { enabled: false },
      log: new Log(LogLevel.WARN),
      workers: [worker],
    }),
  );
  await lone.ready;
  const { origin } = await lone.unsafeGetDirectURL("lone");
  console.log(JSON.stringify({ edges: [origin], pid: process.pid }));
  console.log("ready");
} catch (error) {
  console.error(error?.message ?? error);
  await stop(1);
}
