// What the wasm asks of the platform's bindings, of the identity provider, and of who publishes a description: each in one
// call, with texts that cross and no objects. What is thrown here is the cause that the log names.

function binding(env, name) {
  const found = env[name];
  if (found === undefined) throw new Error(`there is no binding ${name}`);
  return found;
}

// A value of Workers KV; null without one.
export async function kvGet(env, name) {
  return binding(env, "KV").get(name);
}

export async function kvPut(env, name, text) {
  await binding(env, "KV").put(name, text);
}

export async function kvDelete(env, name) {
  await binding(env, "KV").delete(name);
}

// Statements for D1 cross as JSON: the text of each, and its values.
function prepared(database, [text, values]) {
  return database.prepare(text).bind(...values);
}

function rows({ success, error, results }) {
  if (!success) throw new Error(error);
  return results;
}

// The rows of a statement, as JSON.
export async function d1Query(env, statement) {
  return JSON.stringify(rows(await prepared(binding(env, "DB"), JSON.parse(statement)).all()));
}

// Runs statements in one transaction. How many rows the first of them gave.
export async function d1Batch(env, statements) {
  const database = binding(env, "DB");
  const results = await database.batch(JSON.parse(statements).map((statement) => prepared(database, statement)));
  return results.map(rows)[0].length;
}

// What a Durable Object answers to a message, or to the mere question without one.
export async function askObject(env, namespace, name, path, message) {
  // A stub whose object failed stays broken: each call makes its own.
  const stub = binding(env, namespace).getByName(name);
  const response = await stub.fetch(`https://guard/${path}`, message === undefined ? {} : { method: "POST", body: message });
  const answer = await response.text();
  if (response.status !== 200) throw new Error(`answered with status ${response.status}`);
  return answer;
}

// Whether a rate-limiting binding admits one more of that name; one that is not there admits all.
export async function isAdmitted(env, limiter, name) {
  const outcome = await env[limiter]?.limit({ key: name });
  return outcome?.success ?? true;
}

// Whether points about decisions go anywhere.
export function hasAnalytics(env) {
  return env.ANALYTICS !== undefined;
}

// The platform takes a point at once and keeps it later: there is nothing to wait for.
export function writePoint(env, point) {
  env.ANALYTICS.writeDataPoint(JSON.parse(point));
}

// A document of at most so many bytes. A redirect is not followed: it could lead off the URL that is trusted. No cache
// answers in the provider's place: it is asked when a key is not in the last answer.
export async function fetchDocument(url, limit, signal) {
  const headers = { accept: "application/json" };
  const response = await fetch(url, { headers, redirect: "manual", cache: "no-store", signal });
  if (response.status !== 200) throw new Error(`answered with status ${response.status}`);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let document = "";
  let length = 0;
  // Counted while it streams in: a length that lies helps nobody.
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength;
    if (length > limit) throw new Error(`answered with more than ${limit} bytes`);
    document += decoder.decode(chunk, { stream: true });
  }
  return document + decoder.decode();
}

// A description of an API, at most a minute old. The platform's cache keeps it at this place, under an address that is
// nobody's: what else the description's own address may have in that cache was kept by other rules.
const DESCRIPTION_SECONDS = 60;

export async function fetchDescription(url, limit, signal) {
  const name = `https://latchkey.invalid/descriptions?of=${encodeURIComponent(url)}`;
  const kept = await caches.default.match(name).catch(() => undefined);
  if (kept) return kept.text();
  const text = await fetchDocument(url, limit, signal);
  const headers = { "cache-control": `public, max-age=${DESCRIPTION_SECONDS}` };
  // Whoever asks next asks there again; the reader has the text.
  await caches.default.put(name, new Response(text, { headers })).catch(() => {});
  return text;
}
