// Scenarios of the console's other pages: a key's own, the log, permissions, roles, the operator's.
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { complaints, foreignServer, input, look, newPage, run, shot } from "./stage.mjs";

const { origin } = new URL(input.link ?? input.origin);

async function signIn(browser, options) {
  const page = await newPage(browser, options);
  await page.goto(input.link);
  await page.waitForURL(`${origin}/portal`);
  return page;
}

const button = (page) => page.locator("dialog[open] form button:not([type])");
const noticed = async (page, pattern) => {
  await page.locator("#notice p", { hasText: pattern }).waitFor();
  assert.ok(!page.url().includes("notice="), "what was done is told once");
};

await run({
  // A key that was used, edited, rotated, revoked, brought back and deleted.
  async key(browser) {
    const page = await signIn(browser);
    await page.getByRole("link", { name: "Zapier", exact: true }).click();
    await page.locator("#usage .sums").waitFor();
    const sums = await page.$$eval(".sums dd", (all) => all.map((one) => one.textContent.trim()));
    assert.deepEqual(sums, ["5", "3", "2"]);
    const reasons = await page.$$eval(".reasons tr", (all) => all.map((one) => one.textContent.replace(/\s+/g, " ").trim()));
    assert.deepEqual(reasons, ["Permission missing INSUFFICIENT_PERMISSIONS2"]);
    const activity = await page.locator("section[aria-labelledby=h-activity]").innerText();
    for (const shown of ["Admitted", "Permission missing", "198.51.100.7"]) assert.ok(activity.includes(shown), activity);
    await look(page, "key", { dark: true });
    for (const range of ["7 days", "30 days"]) {
      await page.getByRole("link", { name: range, exact: true }).click();
      await page.locator(`.tabs [aria-current]:text-is("${range}")`).waitFor();
      assert.equal(await page.textContent(".sums dd"), "5");
    }

    await page.fill("#f-name", "");
    await page.locator("#settings form button:not([type])").click();
    await page.locator("#f-name-error:not(:empty)").waitFor();
    await page.fill("#f-name", "Zapier staging");
    await page.uncheck("input[value='leads:read']");
    await page.check("input[value='leads:update']");
    await page.locator("#settings form button:not([type])").click();
    await noticed(page, /Saved, and in force everywhere since/);
    assert.match(await page.textContent("h1"), /Zapier staging/);

    await page.getByRole("link", { name: "Rotate", exact: true }).click();
    await page.locator("dialog[open] .choices").waitFor();
    await look(page, "rotate", { fullPage: false });
    await button(page).click();
    await page.locator("#secret").waitFor();
    const rotated = await page.inputValue("#secret");
    await page.click("[data-done]");
    await page.locator("text=A rotation is under way").waitFor();
    const secrets = page.locator("section[aria-labelledby=h-secrets] tbody tr");
    assert.equal(await secrets.count(), 2);
    assert.match(await secrets.nth(0).innerText(), /newest/);
    assert.match(await secrets.nth(1).innerText(), /until/);
    assert.equal(await page.getByRole("link", { name: "Rotate", exact: true }).count(), 0, "no second one in an overlap");
    await page.getByRole("link", { name: "End old secret", exact: true }).click();
    await button(page).click();
    await noticed(page, /The old secret has ended\. No server/);
    assert.match(await secrets.nth(1).innerText(), /ended/);

    await page.getByRole("link", { name: "Revoke", exact: true }).click();
    assert.match(await page.locator("dialog[open]").innerText(), /You can reactivate it later/);
    await button(page).click();
    await noticed(page, /revoked/);
    await page.getByRole("link", { name: "Reactivate", exact: true }).click();
    await button(page).click();
    await noticed(page, /active again/);
    const log = await page.locator("section[aria-labelledby=h-audit]").innerText();
    for (const action of ["reactivated the key", "revoked the key", "ended the old secret of", "rotated the key", "changed the key"]) {
      assert.ok(log.includes(action), log);
    }
    await page.getByRole("link", { name: "Delete", exact: true }).click();
    await page.locator("dialog[open] h1").waitFor();
    await look(page, "delete", { fullPage: false });
    await button(page).click();
    await noticed(page, /deleted/);
    assert.equal(new URL(page.url()).pathname, "/portal");
    assert.match(await page.textContent(".empty h2"), /No API keys yet/);
    return { rotated };
  },

  // Many keys: pages, order, search; then the log and the permissions.
  async lists(browser) {
    const page = await signIn(browser);
    const names = () => page.$$eval(".list .name", (all) => all.map((one) => one.textContent));
    assert.equal((await names()).length, 20);
    await look(page, "list", { dark: true, fullPage: false });
    assert.deepEqual(await page.$$eval(".spark", (all) => all.map((one) => one.getAttribute("aria-label"))), ["3 requests in 30 days"]);
    await page.getByRole("link", { name: "Next page", exact: true }).click();
    await page.waitForURL(/cursor=/);
    assert.equal((await names()).length, 6);
    await page.getByRole("link", { name: "First page", exact: true }).click();
    await page.waitForURL((url) => !url.search.includes("cursor"));
    await page.getByRole("link", { name: "Label", exact: true }).click();
    await page.waitForURL(/sort=name/);
    assert.deepEqual((await names()).slice(0, 2), ["Key 00", "Key 01"]);
    assert.equal(await page.getAttribute("thead th", "aria-sort"), "ascending");
    await page.fill("input[name=q]", "key 17");
    await page.keyboard.press("Enter");
    await page.waitForURL(/q=key/);
    assert.deepEqual(await names(), ["Key 17"]);
    await page.fill("input[name=q]", "nothing like it");
    await page.keyboard.press("Enter");
    await page.locator(".empty h2").waitFor();
    assert.match(await page.textContent(".empty"), /No key matches/);
    assert.equal(await page.locator(".empty a").count(), 0);

    await page.getByRole("link", { name: "Permissions", exact: true }).click();
    await page.waitForURL(/permissions/);
    assert.equal(await page.textContent("h1"), "Scopes");
    assert.match(await page.textContent("main"), /leads:read.*Look things up, change nothing\.\s*GET, HEAD.*\/v1\/leads\/\*/s);
    await look(page, "permissions");

    await page.getByRole("link", { name: "Audit log", exact: true }).click();
    await page.waitForURL(/audit/);
    await page.selectOption("select[name=action]", "key.created");
    await page.getByRole("button", { name: "Filter", exact: true }).click();
    await page.waitForURL(/action=key.created/);
    assert.equal(await page.locator(".log li").count(), 26);
    await page.locator(".log summary").first().click();
    assert.match(await page.locator(".log li").first().innerText(), /rate_limit/);
    await look(page, "audit", { dark: true, fullPage: false });
    await page.fill("input[name=from]", "2020-01-01");
    await page.fill("input[name=to]", "2020-01-02");
    await page.getByRole("button", { name: "Filter", exact: true }).click();
    await page.locator(".empty").waitFor();
    await page.getByRole("link", { name: "Clear", exact: true }).click();
    await page.waitForURL((url) => url.search === "");
  },

  // What a page weighs and asks for, and that nothing moves when it comes.
  async speed(browser) {
    const page = await signIn(browser);
    const key = await page.getAttribute(".list .name", "href");
    const report = {};
    for (const path of ["/portal", "/portal/keys/new", key, `${key}/ask?step=revoke`, "/portal/permissions", "/portal/audit"]) {
      const asked = [];
      page.on("request", (request) => asked.push(request));
      const answer = await page.goto(origin + path);
      await page.waitForLoadState("networkidle");
      page.removeAllListeners("request");
      assert.equal(asked.filter((request) => ["document", "fetch", "xhr"].includes(request.resourceType())).length, 1, `${path} comes in one round trip`);
      const weight = gzipSync(await answer.body()).length;
      assert.ok(weight <= 30_000, `${path} weighs ${weight} bytes`);
      report[path.replace(key, "/portal/keys/{key}")] = weight;
      assert.equal(await page.evaluate(() => window.shift), 0, `${path}: nothing moves`);
    }
    for (const file of await page.$$eval("link[rel=stylesheet], script[src]", (all) => all.map((one) => one.href ?? one.src))) {
      const answer = await fetch(file);
      assert.equal(answer.headers.get("cache-control"), "public, max-age=31536000, immutable", file);
      report[new URL(file).pathname.split(".").at(-1)] = gzipSync(Buffer.from(await answer.arrayBuffer())).length;
    }
    return report;
  },

  // Who may look may not touch, whatever they send.
  async roles(browser) {
    const page = await signIn(browser);
    const links = await page.$$eval("a[data-dialog]", (all) => all.map((one) => one.href));
    assert.deepEqual(links, []);
    const ways = await page.$$eval(".ways a", (all) => all.map((one) => one.textContent));
    assert.deepEqual(ways, ["API keys", "Permissions"]);
    const key = await page.getAttribute(".list .name", "href");
    await page.goto(origin + key);
    assert.equal(await page.locator("#usage, #settings, [aria-labelledby=h-activity], [aria-labelledby=h-audit], .acts a").count(), 0);
    const asked = [["GET", "/portal/audit"], ["GET", "/portal/keys/new"], ["GET", `${key}/ask?step=revoke`], ["POST", "/portal/keys"], ["POST", key]];
    const steps = ["revoke", "reactivate", "delete", "rotate", "complete"].map((step) => ["POST", `${key}/${step}`]);
    const send = ([method, path]) => page.evaluate(([method, path]) => fetch(path, { method, body: method === "POST" ? new URLSearchParams("name=x") : undefined }).then((answer) => answer.status), [method, path]);
    const statuses = [];
    for (const route of [...asked, ...steps]) statuses.push(await send(route));
    assert.deepEqual([...new Set(statuses)], [403]);
    await page.goto(`${origin}/portal/audit`);
    await look(page, "refused");
  },

  // The operator, from the token to a policy with mistakes and one without.
  async operator(browser) {
    const page = await newPage(browser);
    await page.goto(`${origin}/operator`);
    await page.fill("#f-token", "lko_wrong");
    await page.keyboard.press("Enter");
    await page.locator("[data-alert]:not([hidden])").waitFor();
    await look(page, "operator-sign-in");
    await page.fill("#f-token", input.token);
    await page.keyboard.press("Enter");
    await page.waitForURL(`${origin}/operator`);
    const cookies = await page.context().cookies();
    assert.ok(cookies.length > 0 && cookies.every((cookie) => cookie.httpOnly && cookie.sameSite === "Strict"), JSON.stringify(cookies));
    assert.ok(!JSON.stringify(cookies).includes(input.token));
    await page.fill("#f-org", "Initech");
    await page.getByRole("button", { name: "Create", exact: true }).click();
    await page.waitForURL(/\/operator\/orgs\/org_/);
    const address = page.url().replace(/\?.*/, "");
    const policy = JSON.parse(await page.inputValue("#f-policy"));
    policy.roles.owner = ["keys:fly"];
    policy.key_prefix = "Sk";
    await page.fill("#f-policy", JSON.stringify(policy, null, 2));
    await page.fill("input[name=added]", "developer_api");
    const save = page.getByRole("button", { name: "Save changes", exact: true });
    await save.click();
    await page.locator(".faults").waitFor();
    assert.deepEqual(await page.$$eval(".faults [data-pointer]", (all) => all.map((one) => one.dataset.pointer)), ["/key_prefix", "/roles/owner/0"]);
    await page.locator("[data-pointer='/roles/owner/0']").click();
    const selected = await page.$eval("#f-policy", (field) => field.value.slice(field.selectionStart, field.selectionEnd));
    assert.equal(selected, '"keys:fly"', "the fault shows its place");
    assert.match(await page.locator(".faults li").nth(1).innerText(), /line \d+:/);
    await look(page, "operator-policy");
    await page.fill("#f-policy", "{");
    await save.click();
    await page.locator(".faults >> text=This is not JSON").waitFor();
    policy.roles = { boss: ["*"] };
    policy.key_prefix = "ini";
    delete policy.default_rate_limit;
    policy.console = { labels: { name: "Label" }, accent_color: "#8a2be2" };
    await page.fill("#f-policy", JSON.stringify(policy, null, 2));
    await save.click();
    await noticed(page, /Saved/);
    const saved = JSON.parse(await page.inputValue("#f-policy"));
    assert.deepEqual([saved.roles, saved.key_prefix, saved.console.labels.name], [{ boss: ["*"] }, "ini", "Label"], "what was left out is gone");
    assert.ok(await page.isChecked("input[name=feature][value=developer_api]"));
    await page.getByRole("link", { name: "Audit log", exact: true }).click();
    await page.locator(".log li").first().waitFor();
    assert.match(await page.locator(".log li").first().innerText(), /Operator\s+changed the organization\s+Initech/);
    await page.goto(`${origin}/operator`);
    await look(page, "operator-orgs", { dark: true });
    await page.click("#sign-out");
    await page.locator("#f-token").waitFor();
    assert.equal((await page.goto(address)).status(), 401);
    assert.deepEqual(await page.context().cookies(), []);
    return address.split("/").at(-1);
  },

  // The host product shows the console in its own page, in its own color; nobody else can.
  async frame(browser) {
    const product = await foreignServer((request, response) =>
      response.writeHead(200, { "content-type": "text/html" }).end(`<iframe src="${address}" width="1200" height="700"></iframe>`),
    );
    const asked = async (method, path, body) => {
      const headers = { authorization: `Bearer ${input.operator}`, "content-type": "application/json" };
      const answer = await fetch(`${origin}${path}`, { method, headers, body: JSON.stringify(body) });
      assert.ok(answer.ok, await answer.clone().text());
      return answer.json();
    };
    // Both on this machine by its name: one site, two origins.
    const named = (url) => url.replace("127.0.0.1", "localhost");
    const link = async () => named((await asked("POST", `${input.org}/portal-sessions`, { user: { id: "ada", name: "Ada" }, role: "owner" })).url);
    let address = await link();
    const page = await newPage(browser);
    const refused = page.waitForResponse(address);
    await page.goto(`http://localhost:${product.port}/`);
    assert.equal((await refused).status(), 403, "not even opened");
    complaints.length = 0;

    await asked("PATCH", input.org, { policy: { console: { frame_ancestors: [`http://localhost:${product.port}`], accent_color: "#8a2be2" } } });
    await page.goto(`http://localhost:${product.port}/`);
    const inside = page.frameLocator("iframe");
    await inside.locator("a[data-dialog]").first().click();
    await inside.locator("dialog[open] input[name=name]").fill("From the product");
    await inside.locator("dialog[open] form button:not([type])").click();
    await inside.locator("#secret").waitFor();
    const brand = await inside.locator("body").evaluate(() => getComputedStyle(document.documentElement).getPropertyValue("--brand").trim());
    assert.equal(brand, "#8a2be2");
    assert.deepEqual(complaints, []);
    await page.screenshot({ path: shot("product") });

    // When it is over, the frame says so.
    const session = (await asked("GET", `${input.org}/portal-sessions`)).items.find((one) => one.status === "open");
    const ended = await fetch(`${origin}${input.org}/portal-sessions/${session.id}`, { method: "DELETE", headers: { authorization: `Bearer ${input.operator}` } });
    assert.equal(ended.status, 204);
    await inside.locator("#secret").evaluate(() => location.assign("/portal"));
    await inside.locator("h1", { hasText: "You are not signed in" }).waitFor();

    const stranger = await foreignServer((request, response) =>
      response.writeHead(200, { "content-type": "text/html" }).end(`<iframe src="${named(origin)}/portal"></iframe>`),
    );
    const blocked = page.waitForEvent("console", (message) => /frame-ancestors/.test(message.text()));
    await page.goto(`http://localhost:${stranger.port}/`);
    await blocked;
    complaints.length = 0;
    stranger.close();
    product.close();
  },
});
