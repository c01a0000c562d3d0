// The window in which a member is asked whether another site may have a test token of theirs. The server shows it for a site
// that the organization's policy lists; the page of that site which opened it then says what it wants, and is told the
// outcome. Nobody else can ask here, and nobody else hears.
const element = (id) => document.getElementById(id);
const site = new URLSearchParams(location.search).get("for");
// The file has an address of its own as well: there no server has looked at who is served.
const [, org] = /^\/docs\/([^/]+)\/grant$/.exec(location.pathname) ?? [];
let asked;

function alarm(text) {
  element("alert").textContent = text;
  element("alert").hidden = !text;
}

function put(words) {
  for (const [id, text] of Object.entries(words)) element(id).textContent = text;
  document.title = words.title;
}

function hear({ source, origin, data }) {
  // INVARIANT: what is asked for comes from the very site that is named here, and from the page that opened this window.
  if (source !== opener || origin !== site || data?.type !== "latchkey:ask") return;
  asked = data;
  const { host } = new URL(site);
  put(
    asked.end
      ? { title: "Revoke the test token", question: `${host} asks to end the test token that you gave it.`, yes: "Revoke" }
      : {
          title: "Generate a test token",
          question: `${host} asks for a test token: a key in your name that ends by itself and can do what your organization lets test tokens do.`,
          yes: "Generate",
        },
  );
  element("yes").hidden = false;
}

async function told(answer) {
  if (answer.status === 401) return "You are not signed in. Open the portal from your product, then press the button again.";
  if (answer.status === 404) return asked.end ? "This token is not one that you made." : "You are not a member of this organization.";
  const problem = await answer.json().catch(() => ({}));
  return problem.detail ? `${problem.title}: ${problem.detail}.` : `The answer was ${answer.status}.`;
}

async function act() {
  if (!opener) return alarm("The page that asked is gone. Close this window and ask again there.");
  // It may have been taken off the list since.
  const listed = await fetch(location.href, { cache: "no-store" });
  if (!listed.ok) return alarm("Your organization no longer lists this site.");
  const path = asked.end ? `/${encodeURIComponent(asked.end)}/revoke` : "";
  const answer = await fetch(`/v1/orgs/${org}/playground-keys${path}`, { method: "POST" });
  if (!answer.ok) return alarm(await told(answer));
  const { key, secret } = asked.end ? {} : await answer.json();
  opener.postMessage({ type: "latchkey:done", nonce: asked.nonce, key, secret }, site);
  close();
}

element("yes").addEventListener("click", async ({ currentTarget: button }) => {
  alarm("");
  button.disabled = true;
  await act().catch(() => alarm("The server cannot be reached. Nothing is known to have changed; try again."));
  button.disabled = false;
});
element("no").addEventListener("click", () => close());
if (!org || !site || !opener) {
  put({ title: "Test token", question: "This window is opened by the docs in which you want to try an API. Go back there." });
} else {
  addEventListener("message", hear);
  opener.postMessage({ type: "latchkey:ready" }, site);
}
