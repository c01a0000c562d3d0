// The window in which a member is asked whether another site may have a test token of theirs. The server shows it for sites
// that the organization's policy lists, and no others; what it came to is told to that site alone.
const org = location.pathname.split("/")[2];
const query = new URLSearchParams(location.search);
const [site, end] = [query.get("for"), query.get("end")];
const element = (id) => document.getElementById(id);

const words = end
  ? { title: "Revoke the test token", question: `${new URL(site).host} asks to end the test token that you gave it.`, yes: "Revoke" }
  : {
      title: "Generate a test token",
      question: `${new URL(site).host} asks for a test token: a key in your name that ends by itself and can do what your organization lets test tokens do.`,
      yes: "Generate",
    };
for (const [id, text] of Object.entries(words)) element(id).textContent = text;
document.title = words.title;

function alarm(text) {
  element("alert").textContent = text;
  element("alert").hidden = !text;
}

async function told(answer) {
  if (answer.status === 401) return "You are not signed in. Open the portal from your product, then press the button again.";
  if (answer.status === 404) return end ? "This token is not one that you made." : "You are not a member of this organization.";
  const problem = await answer.json().catch(() => ({}));
  return problem.detail ? `${problem.title}: ${problem.detail}.` : `The answer was ${answer.status}.`;
}

async function act() {
  if (!opener) return alarm("The page that asked is gone. Close this window and ask again there.");
  const answer = await fetch(`/v1/orgs/${org}/playground-keys${end ? `/${encodeURIComponent(end)}/revoke` : ""}`, { method: "POST" });
  if (!answer.ok) return alarm(await told(answer));
  opener.postMessage({ type: "latchkey:done", ...(end ? {} : await answer.json()) }, site);
  close();
}

element("yes").addEventListener("click", async ({ currentTarget: button }) => {
  alarm("");
  button.disabled = true;
  await act().catch(() => alarm("The server cannot be reached. Nothing is known to have changed; try again."));
  button.disabled = false;
});
element("no").addEventListener("click", () => close());
