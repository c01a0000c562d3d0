// Asks Latchkey whether a request may pass: what express.mjs, hono.mjs and worker.mjs have in common. No dependencies.

const IDENTITY = {
  keyId: "Latchkey-Key-Id",
  keyName: "Latchkey-Key-Name",
  orgId: "Latchkey-Org-Id",
  actorType: "Latchkey-Actor-Type",
  actorId: "Latchkey-Actor-Id",
  permissions: "Latchkey-Permissions",
};

// All of the request that Latchkey gets besides its method, target and address.
const JUDGED = ["Authorization", "X-Api-Key", "Latchkey-Act-As"];

/**
 * @param {object} latchkey `fetch` (of a service binding, or the global one), `url`, `serviceKey` (it may `forward_auth`)
 *   and the `permissions` that a key needs.
 * @param {object} request `method`, `target` (path and query), `ip`, and `header(name)`.
 * @returns `{ caller, limits }`, or `{ refusal }`: a `Response` for the client.
 */
export async function ask(latchkey, request) {
  const question = new URL("/v1/auth", latchkey.url);
  for (const permission of latchkey.permissions ?? []) question.searchParams.append("permissions", permission);
  const headers = new Headers({
    "X-Original-Method": request.method,
    "X-Original-URI": request.target,
    "Latchkey-Client-IP": request.ip ?? "",
    "Latchkey-Service": latchkey.serviceKey,
  });
  for (const name of JUDGED) {
    const value = request.header(name);
    if (value) headers.set(name, value);
  }
  let answer;
  try {
    answer = await latchkey.fetch(question.href, { headers, redirect: "manual", signal: AbortSignal.timeout(5_000) });
  } catch {
    return { refusal: unavailable() };
  }
  // Whoever answers 200 without saying who calls is not Latchkey.
  if (answer.status === 200 && answer.headers.get("Latchkey-Key-Id")) {
    const read = ([member, name]) => [member, answer.headers.get(name) ?? ""];
    const caller = Object.fromEntries(Object.entries(IDENTITY).map(read));
    caller.keyName = decodeURIComponent(caller.keyName);
    caller.permissions = caller.permissions.split(" ").filter(Boolean);
    const limits = ["RateLimit", "RateLimit-Policy"].map((name) => [name, answer.headers.get(name)]);
    return { caller, limits: limits.filter(([, value]) => value) };
  }
  return { refusal: answer.status >= 400 && answer.status < 500 ? answer : unavailable() };
}

// No decision, no entry.
function unavailable() {
  const problem = { title: "Service Unavailable", status: 503, code: "UNAVAILABLE" };
  return new Response(JSON.stringify(problem), {
    status: 503,
    headers: { "Content-Type": "application/problem+json", "Cache-Control": "no-store", "Retry-After": "1" },
  });
}
