// The API behind the gateway, for the edge tests: it does what each request tells it to, and tells what it received.
//
//   node tests/edge/origin/server.mjs
//
// Prints one line of JSON ({"url": URL, "control": URL}) and ends when its standard input closes. A request names its case
// in the field X-Case and what is to be done in X-Play, as JSON:
//
//   {"status": 200, "fields": [["Name", "value"]], "body": "text"}   an answer, once all of the request is there
//   {"early": true, …}       the same, without waiting for the request's body
//   {"echo": true}           the request's body, piece by piece as it comes
//   {"source": 1000}         that many bytes
//   {"steps": ["a", "b"]}    fields at once, then each piece when /go says so
//   {"raw": "…", "then": "end" | "reset"}   these bytes on the connection, then its end
//   {"hang": true}           nothing, ever
//
// A WebSocket is opened at any address, with the first protocol that is offered, and answers each message with itself;
// {"status": …} refuses it. On the control address, each for ?case=NAME:
//
//   GET  /seen               {"method", "url", "fields": [name, value, …]} of the case's request, once it is there
//   GET  /event?name=NAME    what is known of an event, once it happened: "chunk" (the first piece of the body), "end" (all of
//                            it: {"bytes", "sha256"}), "gone" (the connection ended before the answer did), "message"
//   GET  /known              whether the case's request came
//   POST /go                 the next step
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const cases = new Map();

// What happened in a case, and who waits for it.
function caseOf(name) {
  if (!cases.has(name)) cases.set(name, { happened: new Map(), waiting: new Map(), steps: 0, nextStep: undefined });
  return cases.get(name);
}

function happens(found, event, value) {
  if (found.happened.has(event)) return;
  found.happened.set(event, value);
  for (const resolve of found.waiting.get(event) ?? []) resolve(value);
}

function wait(found, event) {
  if (found.happened.has(event)) return found.happened.get(event);
  return new Promise((resolve) => {
    found.waiting.set(event, [...(found.waiting.get(event) ?? []), resolve]);
  });
}

function open(request) {
  const found = caseOf(request.headers["x-case"] ?? "none");
  happens(found, "request", { method: request.method, url: request.url, fields: request.rawHeaders });
  // Node reads fields as Latin-1.
  return { found, play: JSON.parse(Buffer.from(request.headers["x-play"] ?? "{}", "latin1").toString()) };
}

function receive(found, request) {
  const hash = createHash("sha256");
  let bytes = 0;
  request.on("data", (chunk) => {
    bytes += chunk.length;
    hash.update(chunk);
    happens(found, "chunk", { bytes: chunk.length });
  });
  request.on("end", () => happens(found, "end", { bytes, sha256: hash.digest("hex") }));
  request.on("error", () => {});
}

// One step for each "go", whichever comes first.
async function step(found) {
  while (found.steps === 0) await new Promise((resolve) => (found.nextStep = resolve));
  found.steps -= 1;
}

async function source(response, length) {
  const block = Buffer.alloc(64 * 1024);
  for (let left = length; left > 0; left -= block.length) {
    if (!response.write(left < block.length ? block.subarray(0, left) : block)) await once(response, "drain");
  }
  response.end();
}

async function answer(request, response) {
  const { found, play } = open(request);
  response.on("close", () => response.writableFinished || happens(found, "gone", {}));
  receive(found, request);
  if (play.hang) return;
  if (play.raw !== undefined) {
    request.socket.write(Buffer.from(play.raw, "latin1"), () => {
      if (play.then === "end") request.socket.end();
      if (play.then === "reset") request.socket.resetAndDestroy();
    });
    return;
  }
  const fields = [["Content-Type", "text/plain"], ...(play.fields ?? [])].flat();
  if (play.echo) return void request.pipe(response.writeHead(200, fields));
  if (play.source !== undefined) return source(response.writeHead(200, [...fields, "Content-Length", play.source]), play.source);
  if (play.steps) {
    response.writeHead(200, fields).flushHeaders();
    for (const text of play.steps) {
      await step(found);
      response.write(text);
    }
    return void response.end();
  }
  if (!play.early) await wait(found, "end");
  response.writeHead(play.status ?? 200, fields).end(play.body);
}

const server = createServer({ maxHeaderSize: 256 * 1024, requestTimeout: 0 }, answer);
const sockets = new WebSocketServer({ noServer: true });
server.on("upgrade", (request, socket, head) => {
  const { found, play } = open(request);
  if (play.status) return socket.end(`HTTP/1.1 ${play.status} No\r\nContent-Length: 2\r\n\r\nno`);
  sockets.handleUpgrade(request, socket, head, (webSocket) => {
    webSocket.on("message", (data, isBinary) => {
      happens(found, "message", { text: data.toString() });
      webSocket.send(data, { binary: isBinary });
    });
    webSocket.on("close", (code) => happens(found, "closed", { code }));
  });
});

async function control(request, response) {
  const url = new URL(request.url, "http://control");
  const name = url.searchParams.get("case");
  const reply = (value) => response.end(JSON.stringify(value));
  if (url.pathname === "/known") return reply(cases.get(name)?.happened.has("request") ?? false);
  const found = caseOf(name);
  if (url.pathname === "/seen") return reply(await wait(found, "request"));
  if (url.pathname === "/event") return reply(await wait(found, url.searchParams.get("name")));
  if (url.pathname === "/go") {
    found.steps += 1;
    found.nextStep?.();
    return reply({});
  }
  return response.writeHead(404).end();
}

// The parent holds the other end: it closes however the parent ends, so nothing is orphaned.
process.stdin.on("end", () => process.exit(0)).on("error", () => process.exit(0)).resume();

const levers = createServer(control);
server.listen(0, "127.0.0.1");
levers.listen(0, "127.0.0.1");
await Promise.all([once(server, "listening"), once(levers, "listening")]);
const address = (listening) => `http://127.0.0.1:${listening.address().port}`;
console.log(JSON.stringify({ url: address(server), control: address(levers) }));
