// A real OpenID provider for the edge tests, with a lever for everything that can go wrong with one.
//
//   node tests/edge/identity/provider.mjs
//
// Prints one line of JSON ({"issuer": URL, "audience", "resource", "client": {"id", "secret"}}) and ends when its standard input
// closes. Besides the provider's own addresses (/token, /jwks, /.well-known/openid-configuration):
//
//   POST /control/rotate           new keys with new key ids; the old ones are withdrawn
//   POST /control/jwks             what /jwks does from now on: {} the provider's own answer; {"hang": "up"} closes the
//                                  connection; {"hang": "silent"} never answers; else {"status", "headers", "body",
//                                  "chunked"}, where the body is a text and may lack Content-Length
//   GET  /control/requests         {"jwks": N, "elsewhere": N}
//   GET  /control/keys/NAME        {"jwk", "pem"}: a public key; see keys.mjs for the names
//   POST /control/mint             {"token"}: see mint.mjs
//   GET  /elsewhere                a key set of the attacker's, for everything that points somewhere else
//
// A token's claims come from the form field `claims` of the token request, its algorithm from the resource asked for.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";
import { ALGORITHMS, keyNamed, newKeySet, privateJwks } from "./keys.mjs";
import { mint } from "./mint.mjs";

const AUDIENCE = "https://keys.example/management";
const RESOURCE = "https://keys.example/signed-with/";
const client = { id: "latchkey-tests", secret: randomBytes(24).toString("base64url") };
const requests = { jwks: 0, elsewhere: 0 };

let issuer;
let current;
let openid;
let jwksAnswer = {};

function rotate() {
  current = newKeySet();
  openid = new Provider(issuer, configuration(privateJwks(current))).callback();
}

function configuration(jwks) {
  return {
    jwks,
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        token_endpoint_auth_method: "client_secret_post",
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
      },
    ],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: { enabled: true, getResourceServerInfo },
    },
    ttl: { ClientCredentials: 3600 },
    extraTokenClaims: (ctx) => claimsAskedFor(ctx),
    formats: {
      customizers: {
        // With this grant the provider puts the client in for the user. A member's token names a user.
        jwt: (ctx, _token, { payload }) => {
          payload.sub = claimsAskedFor(ctx).sub ?? payload.sub;
        },
      },
    },
  };
}

function getResourceServerInfo(_ctx, resource) {
  const alg = ALGORITHMS.find((name) => resource === RESOURCE + name);
  if (alg === undefined) throw new Error(`no resource ${resource}`);
  return { scope: "", audience: AUDIENCE, accessTokenFormat: "jwt", jwt: { sign: { alg } } };
}

function claimsAskedFor(ctx) {
  return JSON.parse(ctx.oidc.body.claims ?? "{}");
}

function serveJwks(request, response) {
  requests.jwks += 1;
  const { hang, status, headers, body = "", chunked } = jwksAnswer;
  if (hang === "up") return request.socket.destroy();
  if (hang === "silent") return undefined;
  if (status === undefined) return openid(request, response);
  const length = chunked ? {} : { "content-length": Buffer.byteLength(body) };
  return response.writeHead(status, { "content-type": "application/json", ...length, ...headers }).end(body);
}

const publicKey = (name) => {
  const { jwk, pem } = keyNamed(name, current);
  return { jwk, pem };
};

function serveElsewhere(response) {
  requests.elsewhere += 1;
  const keys = ALGORITHMS.map((alg) => publicKey(`attacker-${alg}`).jwk);
  return reply(response, 200, { keys });
}

async function control(request, response, action) {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  try {
    return reply(response, 200, act(action, text === "" ? {} : JSON.parse(text)));
  } catch (error) {
    // A test that asks for something impossible should read why.
    return reply(response, 400, { error: error.message });
  }
}

function act(action, wanted) {
  if (action === "rotate") return rotate() ?? {};
  if (action === "jwks") return (jwksAnswer = wanted);
  if (action === "requests") return requests;
  if (action === "mint") return { token: mint(wanted, (name) => keyNamed(name, current)) };
  if (action.startsWith("keys/")) return publicKey(action.slice("keys/".length));
  throw new Error(`no lever ${action}`);
}

function reply(response, status, body) {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

const CONTROL = "/control/";
const server = createServer((request, response) => {
  const path = request.url.split("?", 1)[0];
  if (path.startsWith(CONTROL)) return control(request, response, path.slice(CONTROL.length));
  if (path === "/jwks") return serveJwks(request, response);
  if (path === "/elsewhere") return serveElsewhere(response);
  return openid(request, response);
});

// The parent holds the other end: it closes however the parent ends, so nothing is orphaned.
process.stdin.on("end", () => process.exit(0)).on("error", () => process.exit(0)).resume();

server.listen(0, "127.0.0.1");
await once(server, "listening");
issuer = `http://127.0.0.1:${server.address().port}`;
rotate();
console.log(JSON.stringify({ issuer, audience: AUDIENCE, resource: RESOURCE, client }));
