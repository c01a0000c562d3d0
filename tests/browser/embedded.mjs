// Scenarios of docs on another site, which has Latchkey's script and nothing more of it.
import assert from "node:assert/strict";
import { assertAccessible, complaints, foreignServer, input, newPage, run, shot, watched } from "./stage.mjs";

const base = input.base;

// Somebody's docs. `localhost` is another site than Latchkey's.
async function docs(attributes = "") {
  const page = `<!doctype html><html lang="en"><title>Acme docs</title><main><h1>Leads</h1><label>Key <input id="key"></label>
    <script>const heard = []; for (const name of ["token", "ended"]) document.addEventListener("latchkey:" + name, ({ detail }) => heard.push([name, detail.secret ?? null]));
    async function memberToken() { return ${JSON.stringify(input.token ?? "")}; }</script>
    <script src="${base}/_latchkey-docs/embed.js" data-org="${input.org}" data-fill="#key" ${attributes} async></script></main></html>`;
  const server = await foreignServer((request, response) => response.writeHead(200, { "content-type": "text/html" }).end(page));
  return { ...server, origin: `http://localhost:${server.port}` };
}

async function list(origins) {
  const answer = await fetch(`${base}/v1/orgs/${input.org}`, {
    method: "PATCH",
    headers: { authorization: `Bearer ${input.operator}`, "content-type": "application/json" },
    body: JSON.stringify({ policy: { playground: { allowed_origins: origins } } }),
  });
  assert.equal(answer.status, 200, await answer.text());
}

const status = async (key) => (await fetch(`${base}/v1/auth`, { headers: { authorization: `Bearer ${key}` } })).status;

// Presses a button that opens Latchkey's window.
async function asked(page, button) {
  const opened = page.waitForEvent("popup");
  await page.getByRole("button", { name: button }).click();
  const popup = watched(await opened);
  await popup.waitForLoadState();
  return popup;
}

async function answered(popup, button) {
  const closed = popup.waitForEvent("close");
  await popup.getByRole("button", { name: button }).click();
  await closed;
}

const told = (page) => page.locator('[role=alert]').textContent();

await run({
  async window(browser) {
    const site = await docs();
    await list([site.origin]);
    const page = await newPage(browser);
    await page.goto(site.origin);
    // Nobody is signed in: the window says so, and nothing comes of it.
    const early = await asked(page, "Generate test token");
    await assertAccessible(early, "the window");
    await early.getByRole("button", { name: "Generate" }).click();
    await early.getByText("You are not signed in").waitFor();
    await answered(early, "Cancel");
    await page.getByText("The window was closed before it answered.").waitFor();

    const portal = watched(await page.context().newPage());
    await portal.goto(input.link);
    await portal.waitForURL(`${base}/portal`);
    const popup = await asked(page, "Generate test token");
    await popup.getByText(`localhost:${site.port} asks for a test token`).waitFor();
    await popup.screenshot({ path: shot("asked") });
    await answered(popup, "Generate");
    await page.getByRole("button", { name: "Revoke" }).waitFor();
    const secret = await page.inputValue("#key");
    assert.match(secret, /^sk_\w{8}_\w{32}$/);
    assert.match(await page.getByRole("timer").textContent(), /^(59:\d\d|60:00)$/);
    assert.equal(await told(page), "");
    assert.equal(await status(secret), 200);
    await assertAccessible(page, "the docs");
    await page.screenshot({ path: shot("made"), clip: { x: 0, y: 0, width: 560, height: 140 } });

    await answered(await asked(page, "Revoke"), "Revoke");
    await page.getByText("The token is revoked").waitFor();
    assert.equal(await page.inputValue("#key"), "");
    assert.equal(await status(secret), 401);
    assert.deepEqual(await page.evaluate("heard"), [["token", secret], ["ended", null]]);
    site.close();
  },

  async token(browser) {
    const site = await docs('data-member-token="memberToken"');
    await list([site.origin]);
    const page = await newPage(browser);
    // There is a cookie of Latchkey's, and it goes along with nothing.
    await page.goto(input.link);
    await page.waitForURL(`${base}/portal`);
    const sent = [];
    page.on("request", (request) => request.url().startsWith(`${base}/v1/`) && sent.push(request.allHeaders()));
    await page.goto(site.origin);
    await page.getByRole("button", { name: "Generate test token" }).click();
    await page.getByRole("button", { name: "Revoke" }).waitFor();
    const secret = await page.inputValue("#key");
    assert.equal(await status(secret), 200);
    await page.getByRole("button", { name: "Revoke" }).click();
    await page.getByText("The token is revoked").waitFor();
    assert.equal(await status(secret), 401);
    const cookies = (await Promise.all(sent)).map(({ cookie }) => cookie);
    assert.ok(cookies.length >= 2 && cookies.every((cookie) => cookie === undefined), "two calls, and their preflights");
    site.close();
  },

  // Neither by a token that may do everything, nor by a window, nor by a script that pretends to be a listed site.
  async unlisted(browser) {
    const [site, friend] = [await docs('data-member-token="memberToken"'), await docs()];
    await list(["https://docs.example.com"]);
    const page = await newPage(browser);
    await page.goto(site.origin);
    await page.getByRole("button", { name: "Generate test token" }).click();
    await page.getByText("does not list this site").waitFor();
    assert.ok(complaints.splice(0).some((text) => /CORS/.test(text)), "the browser kept the answer from the page");

    await page.goto(friend.origin);
    const popup = await asked(page, "Generate test token");
    assert.equal(await popup.title(), "This site may not ask for test tokens");
    await popup.screenshot({ path: shot("refused") });
    await popup.close();

    // A window for a site that is listed, opened by one that is not: it is told nothing, and cannot ask.
    await list([friend.origin]);
    const portal = watched(await page.context().newPage());
    await portal.goto(input.link);
    await portal.waitForURL(`${base}/portal`);
    await page.goto(site.origin);
    await page.evaluate(() => addEventListener("message", ({ data }) => heard.push(data)));
    const opened = page.waitForEvent("popup");
    await page.evaluate((url) => void (window.opened = open(url, "", "popup")), `${base}/docs/${input.org}/grant?for=${friend.origin}`);
    const window2 = watched(await opened);
    await window2.waitForLoadState();
    await page.evaluate((to) => opened.postMessage({ type: "latchkey:ask", nonce: "x" }, to), base);
    // What came after it was heard, so whatever came before was, too.
    const last = () => new Promise((resolve) => {
      addEventListener("message", resolve, { once: true });
      postMessage("last", location.origin);
    }).then(() => {});
    await window2.evaluate(last);
    assert.ok(await window2.locator("#yes").isHidden(), "there is nothing to say yes to");
    await page.evaluate(last);
    assert.deepEqual(await page.evaluate("heard"), ["last"]);
    const blocked = complaints.splice(0);
    assert.ok(blocked.every((text) => /postMessage/.test(text)), blocked.join("\n"));
    // The file at its own address serves nobody.
    await window2.goto(`${base}/_latchkey-docs/grant.html?for=${site.origin}`);
    await window2.getByText("Go back there").waitFor();
    assert.ok(await window2.locator("#yes").isHidden());
    await window2.close();

    // A site that is taken off the list while the member is being asked gets nothing.
    await page.goto(friend.origin);
    const late = await asked(page, "Generate test token");
    await late.getByRole("button", { name: "Generate" }).waitFor();
    await list([]);
    await late.getByRole("button", { name: "Generate" }).click();
    await late.getByText("no longer lists this site").waitFor();
    await answered(late, "Cancel");
    site.close();
    friend.close();
  },
});
