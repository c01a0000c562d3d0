// Latchkey in a Worker of your own, over a service binding: no framework, no network between. code.md has its wrangler.toml.
import { ask } from "./latchkey.mjs";

const NEEDED = { GET: ["leads:read"], DELETE: ["leads:delete"] };

export default {
  async fetch(request, env) {
    const permissions = NEEDED[request.method];
    if (!permissions) return new Response(null, { status: 405, headers: { Allow: Object.keys(NEEDED).join(", ") } });
    const latchkey = {
      fetch: (url, init) => env.LATCHKEY.fetch(url, init),
      url: "https://latchkey",
      serviceKey: env.LATCHKEY_SERVICE_KEY,
      permissions,
    };
    const { pathname, search } = new URL(request.url);
    const { caller, limits, refusal } = await ask(latchkey, {
      method: request.method,
      target: pathname + search,
      ip: request.headers.get("CF-Connecting-IP"),
      header: (name) => request.headers.get(name),
    });
    if (refusal) return new Response(refusal.body, refusal);
    return Response.json({ caller }, { headers: limits });
  },
};
