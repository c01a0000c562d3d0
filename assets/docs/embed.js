// A test token in somebody else's docs, by one tag:
//
//   <script src="https://keys.example.com/_latchkey-docs/embed.js" data-org="org_…" async></script>
//
// Where the tag stands there is a button then. The site must be one of the policy's `playground.allowed_origins`.
//
//   data-member-token="name"  a function of the page that gives (a promise of) the member's token of the identity provider.
//                             Without it, a window of Latchkey's own asks the member, who is signed in to the portal.
//   data-fill="selector"      fields that get the token
//
// The page hears `latchkey:token` (detail: `secret`, `key`) and `latchkey:ended` on `document`.
(() => {
  const script = document.currentScript;
  const { org, memberToken, fill } = script.dataset;
  const base = new URL(script.src).origin;
  const routes = `${base}/v1/orgs/${encodeURIComponent(org)}/playground-keys`;

  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" });
  const style = new CSSStyleSheet();
  style.replaceSync(`
    section { font: inherit; display: flex; flex-wrap: wrap; gap: .5em .75em; align-items: center }
    p { margin: 0 } [role=alert] { flex-basis: 100%; color: #b3261e } [role=timer] { font-variant-numeric: tabular-nums }
    @media (prefers-color-scheme: dark) { [role=alert] { color: #ff8a80 } }
    [hidden] { display: none }`);
  root.adoptedStyleSheets = [style];
  // Nothing of anybody's text is read as markup: it is put in as text below.
  root.innerHTML = `<section aria-label="Test token"><p id="state" role="status">Try the API for real, with a key that ends by itself.</p>
    <span id="life" role="timer" hidden></span><button id="generate">Generate test token</button><button id="copy" hidden>Copy</button>
    <button id="revoke" hidden>Revoke</button><p id="alert" role="alert" hidden></p></section>`;
  const element = (id) => root.getElementById(id);
  script.after(host);

  let held;
  let timer;

  function alarm(text) {
    element("alert").textContent = text;
    element("alert").hidden = !text;
  }

  function hear(name, detail) {
    document.dispatchEvent(new CustomEvent(`latchkey:${name}`, { detail }));
    for (const field of fill ? document.querySelectorAll(fill) : []) {
      field.value = detail.secret ?? "";
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }

  function has(token) {
    element("life").hidden = element("copy").hidden = element("revoke").hidden = !token;
    element("generate").hidden = Boolean(token);
  }

  function drop(said) {
    clearInterval(timer);
    held = undefined;
    has(false);
    element("state").textContent = said;
    hear("ended", {});
  }

  function tick() {
    const left = Math.max(0, Math.ceil((Date.parse(held.key.expires_at) - Date.now()) / 1000));
    element("life").textContent = `${String(Math.floor(left / 60)).padStart(2, "0")}:${String(left % 60).padStart(2, "0")}`;
    if (left === 0) drop("The token has expired.");
  }

  // With the member's own token the page asks itself. No cookie goes along, whatever the browser has.
  async function ask(path) {
    if (typeof window[memberToken] !== "function") throw new Error(`This page has no function ${memberToken} that would say who you are.`);
    const token = await window[memberToken]();
    const request = { method: "POST", headers: { authorization: `Bearer ${token}` }, credentials: "omit" };
    const answer = await fetch(routes + path, request).catch(() => {
      throw new Error("The server cannot be reached, or does not list this site.");
    });
    const body = await answer.json();
    if (!answer.ok) throw new Error(`${body.title}: ${body.detail}.`);
    return body;
  }

  // Without one, a window of Latchkey's asks the member. Only this page can say there what is wanted, and only if it is listed;
  // a number that nobody knows ties the answer to the question.
  function consult(end) {
    const nonce = crypto.randomUUID();
    const asked = open(`${base}/docs/${encodeURIComponent(org)}/grant?for=${encodeURIComponent(location.origin)}`, `latchkey-${nonce}`, "popup,width=480,height=420");
    if (!asked) throw new Error("The browser did not open the window in which you are asked: allow it for this page.");
    return new Promise((resolve, reject) => {
      let watch;
      const done = (work) => {
        removeEventListener("message", hears);
        clearInterval(watch);
        work();
      };
      const hears = ({ origin, source, data }) => {
        if (origin !== base || source !== asked) return;
        if (data?.type === "latchkey:ready") asked.postMessage({ type: "latchkey:ask", nonce, end }, base);
        if (data?.type === "latchkey:done" && data.nonce === nonce) done(() => resolve(data));
      };
      // A window that was closed tells nobody; one that told closes at once, and its word may still be on the way.
      const gone = () => setTimeout(() => done(() => reject(new Error("The window was closed before it answered."))), 1000);
      watch = setInterval(() => asked.closed && (clearInterval(watch), gone()), 300);
      addEventListener("message", hears);
    });
  }

  async function generate() {
    held = memberToken ? await ask("") : await consult();
    has(true);
    element("state").textContent = `${held.key.prefix}…: ${held.key.permissions.join(", ") || "no permissions"}.`;
    timer = setInterval(tick, 1000);
    tick();
    hear("token", { secret: held.secret, key: held.key });
  }

  async function revoke() {
    await (memberToken ? ask(`/${held.key.id}/revoke`) : consult(held.key.id));
    drop("The token is revoked: nothing accepts it any more.");
  }

  async function copy() {
    if (!navigator.clipboard) throw new Error("The browser lets pages copy over HTTPS only.");
    await navigator.clipboard.writeText(held.secret);
    element("copy").textContent = "Copied";
    setTimeout(() => (element("copy").textContent = "Copy"), 2000);
  }

  for (const [id, work] of Object.entries({ generate, revoke, copy })) {
    element(id).addEventListener("click", async ({ currentTarget: button }) => {
      alarm("");
      button.disabled = true;
      await work().catch((error) => alarm(error.message));
      button.disabled = false;
    });
  }
})();
