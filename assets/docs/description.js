// Reads a description that anybody may have written, and makes it one that a viewer can bear: of bounded depth and size,
// also after its references are followed, and without any reference to another document.
const MAX_DEPTH = 64;
const MAX_NODES = 100_000;
const MAX_EXPANDED = 300_000;

const refuse = (why) => {
  throw new Error(`The description of this API cannot be shown: ${why}.`);
};

export function prepared(text) {
  let api;
  try {
    api = JSON.parse(text);
  } catch {
    refuse("it is not JSON");
  }
  if (typeof api?.openapi !== "string" || !/^3\.[01]\./.test(api.openapi)) refuse("it is no OpenAPI 3.0 or 3.1");
  const left = prune(api);
  measure(api);
  secure(api);
  const title = typeof api.info?.title === "string" ? api.info.title.slice(0, 100) : "API";
  return { api, title, left };
}

// Without recursion: depth is what is being bounded. How many references were taken out.
function prune(api) {
  let [nodes, left] = [0, 0];
  const waiting = [[api, 0]];
  while (waiting.length) {
    const [node, depth] = waiting.pop();
    if (depth > MAX_DEPTH) refuse("it is nested too deep");
    if (++nodes > MAX_NODES) refuse("it has too many parts");
    // JSON can name it, and code that copies members would change what all objects have.
    delete node["__proto__"];
    for (const name of ["$ref", "operationRef", "externalValue"]) {
      if (typeof node[name] === "string" && !node[name].startsWith("#/")) {
        delete node[name];
        left++;
      }
    }
    for (const value of Object.values(node)) if (typeof value === "object" && value !== null) waiting.push([value, depth + 1]);
  }
  return left;
}

const target = (api, reference) =>
  reference
    .slice(2)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce((node, part) => (node && Object.hasOwn(node, part) ? node[part] : undefined), api);

// How large it is with each reference replaced by what it names: a few lines can stand for billions.
function measure(api) {
  const sizes = new Map();
  const size = (node) => {
    if (typeof node !== "object" || node === null) return 1;
    if (sizes.has(node)) return sizes.get(node);
    // A reference back to where one is is not followed.
    sizes.set(node, 1);
    let sum = 1;
    for (const value of Object.values(node)) sum = Math.min(sum + size(value), MAX_EXPANDED * 2);
    if (typeof node.$ref === "string") sum = Math.min(sum + size(target(api, node.$ref)), MAX_EXPANDED * 2);
    sizes.set(node, sum);
    return sum;
  };
  let chain;
  try {
    chain = size(api.paths ?? {}) + size(api.webhooks ?? {});
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    chain = Infinity;
  }
  if (chain > MAX_EXPANDED) refuse("its references stand for too much");
}

// A description that does not say how to send a key gets the usual way.
function secure(api) {
  const schemes = Object.values(api.components?.securitySchemes ?? {});
  if (schemes.some((scheme) => scheme?.type === "http" && scheme.scheme?.toLowerCase() === "bearer")) return;
  api.components = { ...api.components, securitySchemes: { ...api.components?.securitySchemes, latchkey: { type: "http", scheme: "bearer" } } };
  api.security = [{ latchkey: [] }];
}
