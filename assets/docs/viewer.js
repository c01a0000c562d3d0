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

// The colors of the page around.
const LIGHT = {
  theme: "light", "bg-color": "#fafaf8", "text-color": "#1a1916", "primary-color": "#1f5fbf", "nav-bg-color": "#ffffff", "nav-text-color": "#625f57",
  "nav-hover-bg-color": "#f0efea", "nav-hover-text-color": "#1a1916", "nav-accent-color": "#1f5fbf",
};
const DARK = {
  theme: "dark", "bg-color": "#121211", "text-color": "#f1efe9", "primary-color": "#8ab4ff", "nav-bg-color": "#1b1b19", "nav-text-color": "#aaa69b",
  "nav-hover-bg-color": "#2a2a27", "nav-hover-text-color": "#f1efe9", "nav-accent-color": "#8ab4ff",
};

// Beside each endpoint stands what the bar of the page has: who reads there need not look for it.
function offer(viewer) {
  for (const { elementId } of viewer.resolvedSpec.tags.flatMap(({ paths }) => paths)) {
    const button = document.createElement("button");
    button.slot = elementId;
    button.style.cssText = "margin: 8px 0; padding: 6px 14px; border: 1px solid; border-radius: 8px; background: none; color: inherit; font: 600 14px system-ui, sans-serif; cursor: pointer";
    button.addEventListener("click", () => tell({ type: "generate" }));
    viewer.append(button);
  }
  mark(false);
}

function mark(held) {
  for (const button of document.querySelectorAll("rapi-doc > button")) {
    button.disabled = held;
    button.textContent = held ? "The test token is filled in" : "Generate test token";
  }
}

function show({ api, dark, playground }) {
  const viewer = document.createElement("rapi-doc");
  const settings = {
    ...(dark ? DARK : LIGHT),
    // Beside a list of all endpoints a phone has no room for one of them.
    "render-style": matchMedia("(max-width: 767px)").matches ? "view" : "read",
    "show-header": "false",
    "load-fonts": "false",
    "allow-spec-url-load": "false",
    "allow-spec-file-load": "false",
    "allow-spec-file-download": "false",
    "allow-advanced-search": "false",
    "update-route": "false",
    "show-method-in-nav-bar": "as-colored-text",
    "schema-style": "table",
  };
  for (const [name, value] of Object.entries(settings)) viewer.setAttribute(name, value);
  viewer.addEventListener("spec-loaded", () => {
    if (playground) offer(viewer);
    tell({ type: "shown" });
  });
  document.body.replaceChildren(viewer);
  viewer.loadSpec(api);
}

function fill({ secret }) {
  const viewer = document.querySelector("rapi-doc");
  for (const scheme of viewer.resolvedSpec.securitySchemes) {
    if (scheme.type === "http" && scheme.scheme.toLowerCase() === "bearer") viewer.setApiKey(scheme.securitySchemeId, secret);
  }
  mark(true);
}

addEventListener("message", ({ source, data }) => {
  if (source !== parent) return;
  if (data.type === "show") show(data);
  if (data.type === "token") fill(data);
  if (data.type === "ended") mark(false);
  if (data.type === "answer") {
    waiting.get(data.id)?.(data);
    waiting.delete(data.id);
  }
});
addEventListener("load", () => tell({ type: "ready" }));
