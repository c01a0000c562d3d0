// Several edges on one machine: one Miniflare with N workers of the same build, sharing KV, D1 and Durable Objects,
// each in an isolate of its own on a port of its own. This is where tests and measurements run the real thing.
//
//   node xtask/runtime/fleet.mjs [--edges 1] [--base-port 0] [--state DIR] [--faults] [--var NAME=VALUE]…
//                                [--rate-limit NAME=LIMIT]… [--sql FILE] [--origin FILE] [--analytics] [--assets] [--exit-with-stdin]
//
// --origin binds a worker of one module as ORIGIN, what the gateway of each edge stands before.
// --analytics binds a data set as ANALYTICS; what is written to it goes nowhere, but --faults sees it.
// --sql fills the database after the migrations: for states that would take the API too long to make.
// --assets serves the console's static files as the platform does: before the worker, and so in the way of measurements.
// Prints one line of JSON ({"edges": [URL…], "scheduled": URL, "pid": …}), then "ready".
import { mkdtempSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Log, LogLevel, Miniflare, convertV4MiniflareOptions } from "miniflare";
import { applyMigrations, runFile } from "./migrations.mjs";
import { readConfig } from "./config.mjs";

const root = resolve(import.meta.dirname, "../..");
const { values: options } = parseArgs({
  options: {
    edges: { type: "string", default: "1" },
    "base-port": { type: "string", default: "0" },
    state: { type: "string" },
    faults: { type: "boolean", default: false },
    var: { type: "string", multiple: true, default: [] },
    "rate-limit": { type: "string", multiple: true, default: [] },
    sql: { type: "string" },
    origin: { type: "string" },
    assets: { type: "boolean", default: false },
    analytics: { type: "boolean", default: false },
    "exit-with-stdin": { type: "boolean", default: false },
  },
});

const temporary = options.state ? undefined : mkdtempSync(join(fastFolder(), "latchkey-fleet-"));
const state = resolve(options.state ?? temporary);
let fleet;
let stopping = false;

// Every write of a Durable Object is synced: on a disk that takes milliseconds, in memory none.
function fastFolder() {
  try {
    const { bavail, bsize } = statfsSync("/dev/shm");
    if (bavail * bsize > 256e6) return "/dev/shm";
  } catch {
    // Not every system has one.
  }
  return tmpdir();
}

async function stop(code) {
  if (stopping) return;
  stopping = true;
  // A request that hangs (a fault may make it) must not keep the fleet alive.
  setTimeout(() => process.exit(code), 5_000).unref();
  await fleet?.dispose().catch(() => {});
  process.exit(code);
}

// At the very end, because Miniflare has signal handlers of its own that may exit before `stop` is through; with
// retries, because the runtime may still be letting go of its files.
process.on("exit", () => {
  if (temporary) rmSync(temporary, { recursive: true, force: true, maxRetries: 5 });
});
process.on("SIGINT", () => stop(0));
process.on("SIGTERM", () => stop(0));
process.on("SIGHUP", () => stop(0));
if (options["exit-with-stdin"]) {
  // The parent holds the other end: it closes however the parent ends, so nothing is orphaned.
  process.stdin.on("end", () => stop(0)).on("error", () => stop(0)).resume();
}

function modules() {
  const build = join(root, "build");
  const files = [
    { type: "ESModule", path: join(build, "index.js"), contents: readFileSync(join(build, "index.js"), "utf8") },
    { type: "CompiledWasm", path: join(build, "index_bg.wasm"), contents: readFileSync(join(build, "index_bg.wasm")) },
  ];
  if (options.faults) {
    // Stands in the build folder by name only, so that its import of ./index.js resolves. The first module is the entry.
    const contents = readFileSync(join(root, "xtask/runtime/faults.mjs"), "utf8");
    files.unshift({ type: "ESModule", path: join(build, "faults.js"), contents });
  }
  return { modules: files, modulesRoot: build };
}

// The objects live in the first worker, under the product's own name: what they store is where `wrangler dev` stores it.
function durableObjects(config, index) {
  const objects = config.durableObjects.map(({ name, className }) => {
    const object = { className, useSQLite: true };
    return [name, index === 0 ? object : { ...object, scriptName: config.name }];
  });
  return Object.fromEntries(objects);
}

// What wrangler.toml says, with other limits where an option names them. All edges count together, as one location does.
function rateLimits(config) {
  const limiters = { ...config.ratelimits };
  for (const text of options["rate-limit"]) {
    const [, name, limit] = /^(\w+)=(\d+)$/.exec(text) ?? [];
    if (!Object.hasOwn(limiters, name ?? "")) throw new Error(`--rate-limit ${text}: no such binding, or not NAME=LIMIT`);
    limiters[name] = { ...limiters[name], simple: { ...limiters[name].simple, limit: Number(limit) } };
  }
  return limiters;
}

function assets({ directory, html_handling, binding }) {
  return { binding, directory: join(root, directory), routerConfig: { has_user_worker: true }, assetConfig: { html_handling } };
}

const ORIGIN = "origin";

function originWorker({ compatibilityDate }) {
  return { name: ORIGIN, modules: true, script: readFileSync(options.origin, "utf8"), compatibilityDate };
}

try {
  const config = readConfig(join(root, "wrangler.toml"));
  const source = modules();
  const ratelimits = rateLimits(config);
  const base = Number(options["base-port"]);
  const names = Array.from({ length: Number(options.edges) }, (_, index) =>
    index === 0 ? config.name : `${config.name}-edge-${index}`,
  );
  const workers = names.map((name, index) => ({
    name,
    ...source,
    compatibilityDate: config.compatibilityDate,
    bindings: Object.fromEntries(options.var.map((text) => text.split(/=(.*)/s).slice(0, 2))),
    kvNamespaces: config.kv,
    d1Databases: config.d1,
    durableObjects: durableObjects(config, index),
    ratelimits,
    analyticsEngineDatasets: options.analytics ? { ANALYTICS: { dataset: config.name } } : {},
    serviceBindings: options.origin ? { ORIGIN } : {},
    assets: options.assets ? assets(config.assets) : undefined,
    unsafeDirectSockets: [{ host: "127.0.0.1", port: base === 0 ? 0 : base + index }],
  }));
  if (options.origin) workers.push(originWorker(config));
  fleet = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      cf: false,
      telemetry: { enabled: false },
      log: new Log(LogLevel.WARN),
      unsafeTriggerHandlers: true,
      // The layout of `wrangler dev --persist-to`, so that both can open the same folder, one after the other.
      resourcePersistencePath: join(state, "v3"),
      workers,
    }),
  );
  const entry = await fleet.ready;
  const database = await fleet.getD1Database("DB", config.name);
  await applyMigrations(database, join(root, config.migrationsDir));
  if (options.sql) await runFile(database, options.sql);
  const edges = await Promise.all(names.map(async (name) => (await fleet.unsafeGetDirectURL(name)).origin));
  console.log(JSON.stringify({ edges, scheduled: new URL("/cdn-cgi/local/scheduled", entry).href, pid: process.pid }));
  console.log("ready");
} catch (error) {
  console.error(error?.message ?? error);
  await stop(1);
}
