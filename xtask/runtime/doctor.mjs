// Looks at a running deployment from outside: what `cargo xtask doctor` starts.
//
//   node xtask/runtime/doctor.mjs URL < TOKEN
//
// Prints a line for each thing that was looked at, and ends with 1 when one of them is wrong. What was sent and what may be
// secret in an answer is never printed: of an error only its code, of a problem only code and detail.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const LIMIT_MS = 15_000;
const base = process.argv[2];
const token = readFileSync(0, "utf8");
const root = resolve(import.meta.dirname, "../..");
let wrong = 0;

function tell(mark, what, how) {
  if (mark === "WRONG") wrong += 1;
  console.log(`  ${mark.padEnd(5)}  ${what}`);
  if (how) console.log(`           ${how}`);
}
const ok = (what) => tell("ok", what);
const hint = (what, how) => tell("hint", what, how);
const fail = (what, how) => tell("WRONG", what, how);

async function call(method, path, { bearer, body, at = base } = {}) {
  const headers = { Accept: "application/json" };
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  if (body) headers["Content-Type"] = "application/json";
  const started = performance.now();
  const answer = await fetch(at + path, {
    method,
    headers,
    body: body && JSON.stringify(body),
    redirect: "manual",
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  const text = await answer.text();
  let value = {};
  try {
    value = JSON.parse(text);
  } catch {
    // A page.
  }
  return { status: answer.status, headers: answer.headers, text, value, ms: Math.round(performance.now() - started) };
}

// One thing to look at; that it cannot be asked is an answer, too.
async function look(name, work) {
  try {
    await work();
  } catch (error) {
    fail(`${name}: ${error instanceof Refusal ? error.message : (error?.cause?.code ?? error?.name ?? "no answer")}`);
  }
}

class Refusal extends Error {}

function expect(answer, status, name) {
  if (answer.status === status) return answer;
  const { code = "", detail = "" } = answer.value;
  throw new Refusal(`${name} answered ${answer.status} ${code} ${detail}`.trim());
}

// Whether it can be reached at all, by TLS where that is asked for.
async function alive() {
  let isReached = false;
  await look("/healthz", async () => {
    const answer = await call("GET", "/healthz");
    isReached = true;
    ok(`/healthz, ${expect(answer, 200, "/healthz").ms} ms`);
  });
  if (!isReached) return false;
  await look("/readyz", async () => {
    const { status, value, ms } = await call("GET", "/readyz");
    if (status === 200) return ok(`/readyz: ${Object.keys(value.checks ?? {}).join(", ")}, ${ms} ms`);
    fail(`/readyz answered ${status} ${value.code ?? ""}: ${value.detail ?? "no problem document"}`, "the cause is in `npx wrangler tail`, while you ask; docs/deploy.md, step 6");
  });
  return true;
}

async function transport() {
  if (base.startsWith("http://")) return hint("no TLS: this is on this machine");
  ok("TLS: the certificate is good");
  await fetch(`${base.replace("https://", "http://").replace(/:\d+$/, "")}/healthz`, { redirect: "manual", signal: AbortSignal.timeout(LIMIT_MS) })
    .then(({ status, headers }) => {
      if (status >= 300 && status < 400 && headers.get("location")?.startsWith("https://")) return ok("plain HTTP is sent to HTTPS");
      hint(`plain HTTP answers ${status}`, 'switch on "Always Use HTTPS" for the zone: keys that are sent by mistake are not read on the way twice');
    })
    .catch(() => ok("nobody answers plain HTTP"));
}

const PAGE = {
  "content-security-policy": /default-src 'none'/,
  "strict-transport-security": /max-age=\d{7,}/,
  "x-content-type-options": /^nosniff$/,
  "referrer-policy": /^no-referrer$/,
  "cross-origin-opener-policy": /^same-origin$/,
};

function fields(answer, wanted, name) {
  const bad = Object.keys(wanted).filter((field) => !wanted[field].test(answer.headers.get(field) ?? ""));
  if (bad.length > 0) return fail(`${name}: ${bad.join(", ")} is missing or changed`, "something between here and the worker rewrites fields");
  ok(`${name}: ${Object.keys(wanted).length} fields are as they should be`);
}

async function guarded() {
  await look("/operator", async () => {
    const page = await call("GET", "/operator");
    fields(page, PAGE, "pages");
    const files = [...page.text.matchAll(/(?:href|src)="(\/_latchkey\/[^"]+)"/g)].map(([, path]) => path);
    for (const path of files) expect(await call("GET", path), 200, path);
    if (files.length > 0) ok("the console's style and script are served");
    else fail("the console's pages name no style", "build/assets was not uploaded: deploy again");
  });
  await look("/v1/orgs", async () => {
    const answer = expect(await call("GET", "/v1/orgs"), 401, "/v1/orgs without a credential");
    fields(answer, { "www-authenticate": /^Bearer realm="latchkey"/, "cache-control": /^no-store$/, "x-request-id": /^req_/ }, "refusals");
    const type = new URL(answer.value.type ?? "", base);
    if (type.origin !== base) hint(`problems name pages at ${type.origin}, not here`);
    expect(await call("GET", type.pathname), 200, "the page of a problem");
    ok("a problem's page is served");
  });
}

// An organization could not be deleted again, a service key can: it is made, used, ended and removed.
async function roundTrip() {
  const keys = "/v1/orgs/org_system/keys";
  let id;
  await look("a key's life", async () => {
    const before = Date.now();
    const made = expect(await call("POST", "/v1/service-keys", { bearer: token, body: { name: "doctor (throw-away)", permissions: ["verify"] } }), 201, "creating a service key");
    id = made.value.key.id;
    const key = made.value.secret;
    clock(Date.parse(made.value.key.created_at), before, Date.now());
    const code = async (expected) => {
      const { value, ms } = expect(await call("POST", "/v1/verify", { bearer: token, body: { key } }), 200, "/v1/verify");
      if (value.code !== expected) throw new Refusal(`the key is ${value.code}, not ${expected}`);
      return ms;
    };
    const times = [await code("VALID"), await code("VALID")];
    const whoami = expect(await call("GET", "/v1/whoami", { bearer: key }), 200, "/v1/whoami");
    if (whoami.value.key?.id !== id) throw new Refusal("/v1/whoami tells of another key");
    ok(`created, verified (${times.join(" and ")} ms), and it knows itself`);
    const revoked = expect(await call("POST", `${keys}/${id}/revoke`, { bearer: token, body: { reason: "doctor" } }), 200, "revoking");
    await code("REVOKED");
    ok(`revoked in ${revoked.ms} ms, and refused from then on`);
  });
  if (id) await look("removing the key", async () => expect(await call("DELETE", `${keys}/${id}`, { bearer: token }), 204, "removing the key"));
}

function clock(there, before, after) {
  const skew = there < before ? there - before : Math.max(0, there - after);
  if (Math.abs(skew) <= 2_000) return ok("clocks agree within 2 s");
  const what = `the deployment's clock is ${skew} ms off this machine's`;
  if (Math.abs(skew) > 60_000) fail(what, "keys and tokens would expire at other times than you think");
  else hint(what);
}

async function metrics() {
  await look("/metrics", async () => {
    const { text } = expect(await call("GET", "/metrics", { bearer: token }), 200, "/metrics");
    const number = (name) => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1] ?? NaN);
    const [waiting, seconds] = [number("latchkey_unpublished_changes"), number("latchkey_unpublished_oldest_age_seconds")];
    if (Number.isNaN(waiting) || Number.isNaN(seconds)) return fail("/metrics does not say what waits in the outbox");
    if (waiting === 0) ok("nothing waits in the outbox");
    else if (seconds <= 180) hint(`${waiting} changes wait in the outbox, the oldest for ${seconds} s`, "the cron trigger works off 100 a minute");
    else fail(`${waiting} changes wait in the outbox, the oldest for ${seconds} s: the cron trigger does not come through`, "docs/logging.md; after a restore this is to be expected for a while");
    const there = /^latchkey_build_info\{version="([^"]*)"\} 1$/m.exec(text)?.[1];
    const here = /^version = "([^"]*)"$/m.exec(readFileSync(join(root, "Cargo.toml"), "utf8"))?.[1];
    if (there === here) ok(`version ${there}`);
    else hint(`version ${there}; this repository is at ${here}`);
  });
}

console.log(`\n${base}`);
if (await alive()) {
  await transport();
  await guarded();
  if (token) {
    await roundTrip();
    await metrics();
  } else {
    hint("no token: keys, clock, outbox and version were not looked at", "--token-file FILE, or LATCHKEY_TOKEN in the environment");
  }
}
process.exitCode = wrong > 0 ? 1 : 0;
