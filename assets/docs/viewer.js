// Inside the frame: RapiDoc, whose way to the network is the page around. This runs before it.
const waiting = new Map();
let calls = 0;

const tell = (message) => parent.postMessage(message, "*");

// A frame without an origin has no storage either: asking for it would throw.
const nothing = { getItem: () => null, setItem() {}, removeItem() {} };
Object.defineProperty(window, "localStorage", { value: nothing });
Object.defineProperty(window, "sessionStorage", { value: nothing });

window.fetch = async (input, init) => {
  const request = new Request(input, init);
  const body = ["GET", "HEAD"].includes(request.method) ? undefined : await request.arrayBuffer();
  const id = calls++;
  const answered = new Promise((resolve) => waiting.set(id, resolve));
  tell({ type: "call", id, url: request.url, method: request.method, headers: [...request.headers], body });
  const { error, status, headers, bytes } = await answered;
  if (error) throw new TypeError(error);
  return new Response([204, 205, 304].includes(status) ? null : bytes, { status, headers });
};

function show({ api, dark }) {
  const viewer = document.createElement("rapi-doc");
  const settings = {
    "render-style": "read",
    "show-header": "false",
    "load-fonts": "false",
    "allow-spec-url-load": "false",
    "allow-spec-file-load": "false",
    "allow-spec-file-download": "false",
    "allow-advanced-search": "false",
    "update-route": "false",
    "show-method-in-nav-bar": "as-colored-text",
    "schema-style": "table",
    "primary-color": dark ? "#8ab4ff" : "#1f5fbf",
    theme: dark ? "dark" : "light",
  };
  for (const [name, value] of Object.entries(settings)) viewer.setAttribute(name, value);
  viewer.addEventListener("spec-loaded", () => tell({ type: "shown" }));
  document.body.replaceChildren(viewer);
  viewer.loadSpec(api);
}

function fill({ secret }) {
  const viewer = document.querySelector("rapi-doc");
  for (const scheme of viewer.resolvedSpec.securitySchemes) {
    if (scheme.type === "http" && scheme.scheme.toLowerCase() === "bearer") viewer.setApiKey(scheme.securitySchemeId, secret);
  }
}

addEventListener("message", ({ source, data }) => {
  if (source !== parent) return;
  if (data.type === "show") show(data);
  if (data.type === "token") fill(data);
  if (data.type === "answer") {
    waiting.get(data.id)?.(data);
    waiting.delete(data.id);
  }
});
addEventListener("load", () => tell({ type: "ready" }));
