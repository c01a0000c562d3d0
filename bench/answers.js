// Reads and answers what hot decisions do, and decides nothing: what is left when a decision costs nothing at all.
const fields = [
  "authorization", "x-api-key", "cf-connecting-ip", "x-real-ip", "x-forwarded-for", "latchkey-service", "latchkey-act-as",
  "x-original-method", "x-original-uri",
];
const id = "key_01m804ybn9nfn4ydcctgr88k0b";
const org = "org_01m804ybmxnr98k82mbhe6fgz5";
let read = 0;

function lookAt(request, names) {
  read += `${request.method} ${request.url}`.length;
  for (const name of names) read += request.headers.get(name)?.length ?? 0;
}

// No two answers have the same number, as no two of Latchkey's have.
const requestId = () => `req_01m804ybqg2evt8tne${String(read).padStart(8, "0")}`;

function auth(request) {
  lookAt(request, fields);
  const headers = {
    "x-request-id": requestId(),
    "cache-control": "no-store",
    "latchkey-key-id": id,
    "latchkey-key-name": "bench",
    "latchkey-org-id": org,
    "latchkey-actor-type": "key",
    "latchkey-actor-id": id,
    "latchkey-permissions": "",
  };
  return new Response(null, { headers });
}

async function verify(request) {
  lookAt(request, ["authorization", "cf-connecting-ip", "content-type", "content-length"]);
  const { key } = await request.json();
  read += key.length;
  const request_id = requestId();
  const body = JSON.stringify({
    valid: true,
    code: "VALID",
    key: { id, org_id: org, name: "bench", prefix: "sk_ECgNvtXO_vs", kind: "standard", permissions: [], expires_at: null, metadata: {} },
    actor: { type: "key", id, name: "bench", via: null },
    rate_limit: null,
    freshness: { mode: "leased", bound_ms: 2000 },
    request_id,
  });
  return new Response(body, { headers: { "content-type": "application/json", "cache-control": "no-store", "x-request-id": request_id } });
}

export default {
  fetch(request) {
    return request.method === "POST" ? verify(request) : auth(request);
  },
};
