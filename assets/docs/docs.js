// The docs of an API. A viewer shows the description in a frame without an origin: there it has no cookie, no storage, and
// no way to the network. What it wants to call it asks for here, and here the browser lets nothing out but to the
// addresses of this page's policy. The session is this page's alone; the frame gets the token that was made for trying.
import { prepared } from "./description.js";

const org = location.pathname.split("/")[2];
const element = (id) => document.getElementById(id);
const MAX_BYTES = 2 * 1024 * 1024;
// Longer, and the viewer is taken to be stuck.
const PATIENCE_MS = 15_000;
const ANSWER_BYTES = 5 * 1024 * 1024;

let frame;
let held;
let timer;

function alarm(text) {
  element("alert").textContent = text;
  element("alert").hidden = !text;
}

// What a problem document says to people.
async function told(answer) {
  const problem = await answer.json().catch(() => ({}));
  return problem.detail ? `${problem.title}: ${problem.detail}.` : `The answer was ${answer.status}.`;
}

async function description() {
  const answer = await fetch(org ? `/docs/${org}/openapi.json` : "/openapi.json");
  if (!answer.ok) throw new Error(await told(answer));
  const text = await answer.text();
  if (text.length > MAX_BYTES) throw new Error("The description of this API is too long to be shown.");
  return prepared(text);
}

// The viewer, in a frame that is thrown away if it does not get through.
function show(api) {
  frame = document.createElement("iframe");
  frame.title = "Endpoints";
  frame.setAttribute("sandbox", "allow-scripts");
  frame.src = "/_latchkey-docs/viewer.html";
  const stuck = setTimeout(() => {
    frame.remove();
    alarm("The description of this API cannot be shown: the viewer does not get through it.");
  }, PATIENCE_MS);
  addEventListener("message", ({ source, data }) => {
    if (source !== frame.contentWindow) return;
    if (data.type === "ready") send({ type: "show", api, dark: matchMedia("(prefers-color-scheme: dark)").matches, playground: Boolean(org) });
    if (data.type === "shown") clearTimeout(stuck);
    if (data.type === "generate") element("generate").click();
    if (data.type === "call") call(data);
  });
  document.querySelector("main").replaceChildren(frame);
}

// The frame has no origin that could be named. Only this page's own frame is ever written to.
function send(message, transfer = []) {
  frame.contentWindow.postMessage(message, "*", transfer);
}

async function call({ id, url, method, headers, body }) {
  try {
    const answer = await fetch(url, { method, headers, body, credentials: "omit", cache: "no-store", referrerPolicy: "no-referrer" });
    const bytes = await answer.arrayBuffer();
    if (bytes.byteLength > ANSWER_BYTES) throw new Error("The answer is too long to be shown.");
    send({ type: "answer", id, status: answer.status, headers: [...answer.headers], bytes }, [bytes]);
  } catch (error) {
    send({ type: "answer", id, error: String(error?.message ?? error) });
  }
}

addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
  if (violatedDirective === "connect-src") alarm(`These docs may not call ${blockedURI}: it is not one of the addresses of this organization's API.`);
});

function tick() {
  const left = Math.max(0, Math.ceil((Date.parse(held.expires_at) - Date.now()) / 1000));
  element("life").textContent = `${String(Math.floor(left / 60)).padStart(2, "0")}:${String(left % 60).padStart(2, "0")}`;
  if (left === 0) drop("The token has expired.");
}

// The viewer keeps what it was given, so that one sees how the API refuses it.
function drop(said) {
  clearInterval(timer);
  held = undefined;
  send({ type: "ended" });
  element("life").hidden = element("revoke").hidden = true;
  element("generate").hidden = false;
  element("state").textContent = said;
}

async function generate() {
  alarm("");
  const answer = await fetch(`/v1/orgs/${org}/playground-keys`, { method: "POST" });
  if (answer.status === 401) return alarm("You are not signed in. Open the portal from your product, then come back to this page.");
  if (answer.status === 404) return alarm("You are not a member of this organization.");
  if (!answer.ok) return alarm(await told(answer));
  const { key, secret } = await answer.json();
  held = key;
  send({ type: "token", secret });
  element("state").textContent = `${key.prefix}… is filled in: ${key.permissions.join(", ") || "no permissions"}.`;
  element("life").hidden = element("revoke").hidden = false;
  element("generate").hidden = true;
  timer = setInterval(tick, 1000);
  tick();
}

async function revoke() {
  alarm("");
  const answer = await fetch(`/v1/orgs/${org}/playground-keys/${held.id}/revoke`, { method: "POST" });
  if (!answer.ok) return alarm(await told(answer));
  drop("The token is revoked: nothing accepts it any more.");
}

// A button waits for what it began, and says what became of it.
function does(id, work) {
  element(id).addEventListener("click", async ({ currentTarget: button }) => {
    button.disabled = true;
    await work().catch(() => alarm("The server cannot be reached. Nothing is known to have changed; try again."));
    button.disabled = false;
  });
}

does("generate", generate);
does("revoke", revoke);
try {
  const { api, title, left } = await description();
  element("title").textContent = document.title = title;
  element("playground").hidden = !org;
  if (left) alarm(`${left} references to other documents are left out: these docs fetch nothing from elsewhere.`);
  show(api);
} catch (error) {
  alarm(error.message);
}
