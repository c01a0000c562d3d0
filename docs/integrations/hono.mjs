// Latchkey in an API by Hono, here on Cloudflare Workers with a service binding to Latchkey. code.md has its wrangler.toml.
import { Hono } from "hono";
import { createMiddleware } from "hono/factory";
import { ask } from "./latchkey.mjs";

/** Middleware: lets requests with a good key through, with `c.get("caller")`. */
const needs = (...permissions) =>
  createMiddleware(async (c, next) => {
    const latchkey = {
      fetch: (url, init) => c.env.LATCHKEY.fetch(url, init),
      url: "https://latchkey",
      serviceKey: c.env.LATCHKEY_SERVICE_KEY,
      permissions,
    };
    const { pathname, search } = new URL(c.req.url);
    const header = (name) => c.req.header(name);
    const request = { method: c.req.method, target: pathname + search, ip: header("CF-Connecting-IP"), header };
    const { caller, limits, refusal } = await ask(latchkey, request);
    if (refusal) return new Response(refusal.body, refusal);
    c.set("caller", caller);
    for (const [name, value] of limits) c.header(name, value);
    await next();
  });

const app = new Hono();
app.get("/leads", needs("leads:read"), (c) => c.json({ caller: c.get("caller") }));
app.delete("/leads", needs("leads:delete"), (c) => c.json({ caller: c.get("caller") }));
export default app;
