// A worker entry that stands in front of the built one and can make its bindings fail. Only test fleets load it: the
// product has no such switch.
//
//   POST /__faults  {"kv": {"get": "fail"}, "db": "hang", "guard": {"delay_ms": 50}, "objects": {"db": "fail"}}
//   POST /__faults/kill  the wasm instance of this edge counts as dead, as after a panic
//   GET  /__faults  {"calls": {"kv.get": 3, "db.query": 1, "guard.fetch": 2, "objects.db.query": 1}}
//   GET  /__faults/points  {"points": […]}: what was written to the data set ANALYTICS, one by one
//
// A POST replaces all faults and starts the counts anew; {} heals everything. Bindings: kv, db, guard, org_guard, unknown_keys, failed_credentials, docs,
// analytics (of which only "fail" and "lose" can be, because nobody waits for it); under
// "objects" the same for the environment of the Durable Objects, which live in the first edge's isolate. A fault is for
// a binding or for one method of it:
//   "fail"            the call is not made, and throws
//   "lose"            the call is made, its answer lost: it throws afterwards
//   "hang"            the call does not return (for ten minutes)
//   {"mode": …, "delay_ms": 50, "times": 2}   with a delay before it, only for the first calls; mode may be left out
//   {"mode": "answer", "status": 500, "text": "…"}   of a guard: the call is not made, and this is what it came to
//   {"mode": "alter", "reply": {…}}   of a guard: the call is made; the members named here, however deep, replace those of its answer; one of another kind stays
//
// Every statement sent to D1 counts as db.query, a batch as one db.batch; db.rows_read adds up the rows that single
// statements read. State is per isolate, so per edge.
import entry, * as built from "./index.js";

const BINDINGS = {
  KV: "kv",
  DB: "db",
  KEY_GUARD: "guard",
  ORG_GUARD: "org_guard",
  UNKNOWN_KEYS: "unknown_keys",
  FAILED_CREDENTIALS: "failed_credentials",
  DOCS: "docs",
  ANALYTICS: "analytics",
};
const MODES = ["fail", "lose", "hang"];
const FORGERIES = { answer: answerInstead, alter: alterReply };

let faults = {};
let calls = {};
let points = [];

function faultFor(path) {
  let node = faults;
  for (const part of path) {
    if (node === undefined || isFault(node)) break;
    node = node[part];
  }
  return isFault(node) ? node : undefined;
}

function isFault(node) {
  return typeof node === "string" || (typeof node === "object" && node !== null && ("mode" in node || "delay_ms" in node));
}

function count(name, more) {
  calls[name] = (calls[name] ?? 0) + more;
}

async function gate(path, call) {
  const name = path.join(".");
  count(name, 1);
  const fault = faultFor(path);
  if (fault === undefined || fault.times === 0) return call();
  if (fault.times !== undefined) fault.times -= 1;
  const mode = typeof fault === "string" ? fault : fault.mode;
  if (fault.delay_ms) await scheduler.wait(fault.delay_ms);
  // A timer and not a promise that never settles: the runtime would notice that one and end the request.
  if (mode === "hang") await scheduler.wait(600_000);
  if (mode === "lose") await call();
  if (Object.hasOwn(FORGERIES, mode ?? "")) return FORGERIES[mode](fault, call);
  if (mode !== undefined) throw new Error(`injected fault: ${name}`);
  return call();
}

function answerInstead({ status = 200, text = "" }) {
  return new Response(text, { status });
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

async function alterReply({ reply }, call) {
  const real = await (await call()).json();
  return Response.json(isObject(real) ? laidOver(real, reply) : real);
}

function laidOver(real, forged) {
  if (!isObject(real) || !isObject(forged)) return forged;
  const ofReal = Object.entries(forged).filter(([name]) => Object.hasOwn(real, name));
  const members = ofReal.map(([name, value]) => [name, laidOver(real[name], value)]);
  return { ...real, ...Object.fromEntries(members) };
}

// Reads pass through to the real object, so `constructor.name`, which the Rust bindings check, is the real one.
// Methods are called on the real object: native ones refuse a proxy as `this`.
function wrap(target, methods) {
  return new Proxy(target, {
    get(real, property) {
      const value = Reflect.get(real, property, real);
      if (typeof value !== "function" || property === "constructor") return value;
      const replacement = Object.hasOwn(methods, property) ? methods[property] : undefined;
      return replacement ?? value.bind(real);
    },
  });
}

function wrapKv(kv, path) {
  const methods = {};
  for (const name of ["get", "getWithMetadata", "put", "delete", "list"]) {
    methods[name] = (...args) => gate([...path, name], () => kv[name](...args));
  }
  return wrap(kv, methods);
}

// A batch takes the real statements.
const realStatements = new WeakMap();

function wrapStatement(statement, path) {
  const methods = { bind: (...args) => wrapStatement(statement.bind(...args), path) };
  for (const name of ["first", "all", "run", "raw"]) {
    methods[name] = (...args) =>
      gate([...path, "query"], async () => {
        const result = await statement[name](...args);
        count([...path, "rows_read"].join("."), result?.meta?.rows_read ?? 0);
        return result;
      });
  }
  const wrapped = wrap(statement, methods);
  realStatements.set(wrapped, statement);
  return wrapped;
}

function wrapDatabase(db, path) {
  return wrap(db, {
    prepare: (sql) => wrapStatement(db.prepare(sql), path),
    batch: (list) => gate([...path, "batch"], () => db.batch(list.map((item) => realStatements.get(item) ?? item))),
    exec: (sql) => gate([...path, "query"], () => db.exec(sql)),
    withSession: (...args) => wrapDatabase(db.withSession(...args), path),
  });
}

function wrapNamespace(namespace, path) {
  const wrapStub = (stub) =>
    wrap(stub, { fetch: (...args) => gate([...path, "fetch"], () => stub.fetch(...args)) });
  return wrap(namespace, {
    get: (...args) => wrapStub(namespace.get(...args)),
    getByName: (...args) => wrapStub(namespace.getByName(...args)),
  });
}

function wrapLimiter(limiter, path) {
  return wrap(limiter, { limit: (...args) => gate([...path, "limit"], () => limiter.limit(...args)) });
}

// Not through the gate: whoever writes a point does not wait.
function wrapDataSet(dataSet, path) {
  return wrap(dataSet, {
    writeDataPoint(point) {
      const name = [...path, "writeDataPoint"];
      count(name.join("."), 1);
      const fault = faultFor(name);
      if (fault !== "fail") {
        dataSet.writeDataPoint(point);
        points.push(point);
      }
      if (fault !== undefined) throw new Error(`injected fault: ${name.join(".")}`);
    },
  });
}

const WRAPPERS = {
  kv: wrapKv,
  db: wrapDatabase,
  guard: wrapNamespace,
  org_guard: wrapNamespace,
  unknown_keys: wrapLimiter,
  failed_credentials: wrapLimiter,
  docs: wrapLimiter,
  analytics: wrapDataSet,
};
// Requests and objects share one env object where they share an isolate: each has its own wrapping of it.
const requestEnvs = new WeakMap();
const objectEnvs = new WeakMap();

function wrapEnv(env, wrappings, prefix) {
  let wrapped = wrappings.get(env);
  if (wrapped === undefined) {
    wrapped = { ...env };
    for (const [binding, name] of Object.entries(BINDINGS)) {
      if (env[binding]) wrapped[binding] = WRAPPERS[name](env[binding], [...prefix, name]);
    }
    wrappings.set(env, wrapped);
  }
  return wrapped;
}

function unknownModes(node, path = []) {
  if (typeof node === "string") return MODES.includes(node) ? [] : [`${path.join(".")}: ${node}`];
  // Only an answer of a guard is of a form that can be forged without knowing what was asked.
  if (Object.hasOwn(FORGERIES, node?.mode ?? "")) return /guard(\.fetch)?$/.test(path.join(".")) ? [] : [`${path.join(".")}: ${node.mode}`];
  return Object.entries(node ?? {}).flatMap(([key, value]) =>
    ["delay_ms", "times"].includes(key) ? [] : unknownModes(value, [...path, key]),
  );
}

async function control(request, pathname) {
  if (pathname === "/__faults/kill") {
    // What the panic hook does; the shim starts a new instance at the next event.
    globalThis.__worker_init_state.criticalError = true;
    return Response.json({});
  }
  if (pathname === "/__faults/points") return Response.json({ points });
  if (request.method === "POST") {
    const wanted = await request.json();
    // A typo would make a test pass for the wrong reason.
    const unknown = unknownModes(wanted);
    if (unknown.length > 0) return Response.json({ error: `unknown fault ${unknown.join(", ")}` }, { status: 400 });
    faults = wanted;
    calls = {};
    points = [];
  }
  return Response.json({ calls });
}

export default {
  fetch(request, env, ctx) {
    // Looked at before anything is parsed: a malformed address is for the product to answer.
    const pathname = request.url.includes("/__faults") ? new URL(request.url).pathname : "";
    if (pathname.startsWith("/__faults")) return control(request, pathname);
    return entry.fetch(request, wrapEnv(env, requestEnvs, []), ctx);
  },
  scheduled(event, env, ctx) {
    return entry.scheduled(event, wrapEnv(env, requestEnvs, []), ctx);
  },
};

export const KeyGuard = class extends built.KeyGuard {
  constructor(state, env) {
    super(state, wrapEnv(env, objectEnvs, ["objects"]));
  }
};

export const OrgGuard = class extends built.OrgGuard {
  constructor(state, env) {
    super(state, wrapEnv(env, objectEnvs, ["objects"]));
  }
};
