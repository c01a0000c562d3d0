// Latchkey in an API by Express: node express.mjs
// The environment has LATCHKEY_URL, and LATCHKEY_SERVICE_KEY, the secret of a service key that may `forward_auth`.
import express from "express";
import { ask } from "./latchkey.mjs";

/** Middleware: lets requests with a good key through, with `req.caller`. */
function needs(...permissions) {
  const { LATCHKEY_URL: url, LATCHKEY_SERVICE_KEY: serviceKey } = process.env;
  const latchkey = { fetch, url, serviceKey, permissions };
  return async (req, res, next) => {
    const request = { method: req.method, target: req.originalUrl, ip: req.ip, header: (name) => req.get(name) };
    const { caller, limits, refusal } = await ask(latchkey, request);
    if (refusal) {
      // `fetch` has unpacked the body already: the fields about its packing are of no use any more.
      const packing = ["content-encoding", "content-length", "transfer-encoding", "connection", "keep-alive"];
      const fields = [...refusal.headers].filter(([name]) => !packing.includes(name));
      const body = Buffer.from(await refusal.arrayBuffer());
      return res.status(refusal.status).set(Object.fromEntries(fields)).end(body);
    }
    req.caller = caller;
    for (const [name, value] of limits) res.set(name, value);
    next();
  };
}

const app = express();
app.get("/leads", needs("leads:read"), (req, res) => res.json({ caller: req.caller }));
app.delete("/leads", needs("leads:delete"), (req, res) => res.json({ caller: req.caller }));
const server = app.listen(process.env.PORT ?? 3000, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
