// Runs a Worker of docs/integrations/ in workerd, with a service binding to a Latchkey that runs elsewhere.
//
//   node tests/proxies/worker.mjs FILE ADDRESS SERVICE_KEY
//
// Prints its address, and ends with its standard input.
import { resolve } from "node:path";
import { build } from "esbuild";
import { Log, LogLevel, Miniflare, convertV4MiniflareOptions } from "miniflare";
import { readConfig } from "../../xtask/runtime/config.mjs";

const [file, address, serviceKey] = process.argv.slice(2);
const root = resolve(import.meta.dirname, "../..");
const bundle = await build({ entryPoints: [file], bundle: true, format: "esm", write: false, target: "es2022" });
const { compatibilityDate } = readConfig(resolve(root, "wrangler.toml"));
const worker = new Miniflare(
  convertV4MiniflareOptions({
    host: "127.0.0.1",
    port: 0,
    cf: false,
    telemetry: { enabled: false },
    log: new Log(LogLevel.WARN),
    workers: [
      {
        name: "api",
        modules: true,
        script: bundle.outputFiles[0].text,
        compatibilityDate,
        bindings: { LATCHKEY_SERVICE_KEY: serviceKey },
        serviceBindings: { LATCHKEY: { external: { address, http: {} } } },
        unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
      },
    ],
  }),
);
process.stdin.on("end", () => worker.dispose().finally(() => process.exit())).resume();
await worker.ready;
console.log((await worker.unsafeGetDirectURL("api")).origin);
