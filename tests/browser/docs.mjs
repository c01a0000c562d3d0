// Scenarios of the docs: Latchkey's own API, an organization's, a token that is made, tried and ended.
import assert from "node:assert/strict";
import { assertAccessible, complaints, foreignServer, input, newPage, run, shot } from "./stage.mjs";

const base = input.base;
const viewer = (page) => page.frameLocator("iframe");

async function shown(page) {
  await viewer(page).locator("rapi-doc").getByText(input.sees ?? "Verify a key", { exact: false }).first().waitFor();
}

// The organization's own API, protected by forward auth: what it answers to a key is what Latchkey says of it. It publishes
// its description, too.
async function leads(describe) {
  const asked = [];
  const api = await foreignServer(async (request, response) => {
    if (request.url === "/openapi.json") {
      return response.writeHead(200, { "content-type": "application/json" }).end(describe(api.port));
    }
    asked.push(`${request.method} ${request.url}`);
    const open = { "access-control-allow-origin": base, "access-control-allow-headers": "authorization", "access-control-expose-headers": "*" };
    if (request.method === "OPTIONS") return response.writeHead(204, open).end();
    const headers = { "x-forwarded-method": request.method, "x-forwarded-uri": request.url };
    if (request.headers.authorization) headers.authorization = request.headers.authorization;
    const verdict = await fetch(`${base}/v1/auth`, { headers });
    const type = verdict.ok ? "application/json" : verdict.headers.get("content-type");
    const body = verdict.ok ? JSON.stringify({ leads: [{ id: 7, name: "Ada" }] }) : await verdict.text();
    response.writeHead(verdict.status, { ...open, "content-type": type }).end(body);
  });
  return { ...api, asked };
}

const description = (port) =>
  JSON.stringify({
    openapi: "3.1.0",
    info: { title: "Leads API", version: "1" },
    servers: [{ url: `http://127.0.0.1:${port}` }],
    paths: {
      "/v1/leads": {
        get: { operationId: "list_leads", summary: "List leads", responses: { 200: { description: "Leads", content: { "application/json": { schema: { type: "object" } } } } } },
      },
    },
  });

async function publish(port) {
  const answer = await fetch(`${base}/v1/orgs/${input.org}`, {
    method: "PATCH",
    headers: { authorization: `Bearer ${input.operator}`, "content-type": "application/json" },
    body: JSON.stringify({ policy: { playground: { openapi_url: `http://127.0.0.1:${port}/openapi.json`, api_origins: [`http://127.0.0.1:${port}`] } } }),
  });
  assert.equal(answer.status, 200, await answer.text());
}

async function signedIn(browser) {
  const page = await newPage(browser);
  await page.goto(input.link);
  await page.waitForURL(`${base}/portal`);
  return page;
}

// What the API said to a try.
async function tried(page, status) {
  const answered = page.waitForResponse((response) => response.url().endsWith("/v1/leads") && response.request().method() === "GET");
  await viewer(page).getByRole("button", { name: "TRY" }).first().click();
  assert.equal((await answered).status(), status);
}

await run({
  async own(browser) {
    const page = await newPage(browser);
    await page.goto(`${base}/docs`);
    await shown(page);
    assert.equal(await page.title(), "Latchkey");
    assert.ok(await page.locator("#playground").isHidden(), "there is nothing to generate");
    assert.equal(await viewer(page).getByRole("button", { name: /test token/ }).count(), 0, "nor beside an endpoint");
    await assertAccessible(page, "docs");
    await page.screenshot({ path: shot("desktop") });
    const phone = await newPage(browser, { viewport: { width: 390, height: 844 }, colorScheme: "dark" });
    await phone.goto(`${base}/docs`);
    const endpoint = viewer(phone).getByText("/v1/verify", { exact: false }).first();
    await endpoint.waitFor();
    const { x, width } = await endpoint.boundingBox();
    assert.ok(x >= 0 && x + width <= 390, "an endpoint is on the screen");
    assert.equal(await viewer(phone).locator(".nav-bar").count(), 0, "and no list beside it");
    await phone.screenshot({ path: shot("phone") });
  },

  async token(browser) {
    const api = await leads(description);
    await publish(api.port);
    const page = await signedIn(browser);
    await page.goto(`${base}/docs/${input.org}`);
    await shown(page);
    await tried(page, 401);
    const beside = viewer(page).getByRole("button", { name: /test token/ });
    await beside.click();
    await page.locator("#life:not([hidden])").waitFor();
    assert.deepEqual([await beside.textContent(), await beside.isDisabled()], ["The test token is filled in", true]);
    assert.match(await page.textContent("#state"), /^sk_\w{8}_\w\w… is filled in: leads:read\.$/);
    assert.match(await page.textContent("#life"), /^(59:\d\d|60:00)$/);
    await tried(page, 200);
    await viewer(page).getByText('"Ada"').first().waitFor();
    await assertAccessible(page, "docs with a token");
    await page.screenshot({ path: shot("tried") });
    await page.click("#revoke");
    await page.locator("#generate:visible").waitFor();
    assert.equal(await page.textContent("#state"), "The token is revoked: nothing accepts it any more.");
    assert.deepEqual([await beside.textContent(), await beside.isEnabled()], ["Generate test token", true]);
    await tried(page, 401);
    await viewer(page).getByText("The key was revoked").first().waitFor();
    await page.screenshot({ path: shot("revoked") });
    api.close();
  },

  // The whole minute of a short life, to the moment in which the page says that it is over.
  async expiry(browser) {
    const api = await leads(description);
    await publish(api.port);
    const page = await signedIn(browser);
    await page.goto(`${base}/docs/${input.org}`);
    await shown(page);
    await page.click("#generate");
    await page.locator("#life:not([hidden])").waitFor();
    await tried(page, 200);
    await page.getByText("The token has expired.").waitFor({ timeout: 90_000 });
    assert.ok((await page.locator("#generate").isVisible()) && (await page.locator("#revoke").isHidden()));
    await tried(page, 401);
    await viewer(page).getByText("The key has expired").first().waitFor();
    await page.screenshot({ path: shot("over") });
    api.close();
  },

  // The API is what stands behind Latchkey's own gateway, and knows nothing of pages.
  async gateway(browser) {
    const answer = await fetch(`${base}/v1/orgs/${input.org}/openapi`, {
      method: "PUT",
      headers: { authorization: `Bearer ${input.operator}`, "content-type": "application/json" },
      body: description(input.port).replace("127.0.0.1", "localhost"),
    });
    assert.equal(answer.status, 201);
    const page = await signedIn(browser);
    await page.goto(`${base}/docs/${input.org}`);
    await shown(page);
    await tried(page, 401);
    await viewer(page).getByText("A credential is needed").first().waitFor();
    await page.click("#generate");
    await page.locator("#life:not([hidden])").waitFor();
    await tried(page, 200);
    await page.click("#revoke");
    await page.locator("#generate:visible").waitFor();
    await tried(page, 401);
    await viewer(page).getByText("The key was revoked").first().waitFor();
    await page.screenshot({ path: shot("revoked") });
  },

  // A description that was uploaded is shown as one that is published.
  async uploaded(browser) {
    const api = await leads(description);
    const answer = await fetch(`${base}/v1/orgs/${input.org}/openapi`, {
      method: "PUT",
      headers: { authorization: `Bearer ${input.operator}`, "content-type": "application/json" },
      body: description(api.port),
    });
    assert.deepEqual([answer.status, (await answer.json()).title], [201, "Leads API"]);
    const page = await newPage(browser);
    await page.goto(`${base}/docs/${input.org}`);
    await shown(page);
    assert.equal(await page.title(), "Leads API");
    await assertAccessible(page, "docs");
    api.close();
  },

  // Whoever is not signed in, or a member of another organization, gets no token.
  async outsider(browser) {
    const api = await leads(description);
    await publish(api.port);
    const page = await newPage(browser);
    await page.goto(`${base}/docs/${input.org}`);
    await shown(page);
    await page.click("#generate");
    await page.locator("#alert:not([hidden])").waitFor();
    assert.match(await page.textContent("#alert"), /You are not signed in/);
    const other = await signedIn(browser);
    await other.goto(`${base}/docs/${input.org}`);
    await shown(other);
    await other.click("#generate");
    await other.locator("#alert:not([hidden])").waitFor();
    assert.match(await other.textContent("#alert"), /not a member of this organization/);
    api.close();
  },

  // A description by somebody who means harm.
  async hostile(browser) {
    const evil = await foreignServer((request, response) => {
      evil.asked.push(request.url);
      response.writeHead(200, { "access-control-allow-origin": "*", "access-control-allow-headers": "*" }).end("{}");
    });
    evil.asked = [];
    const there = `http://localhost:${evil.port}`;
    const markup = `<img src="${there}/img" onerror="parent.postMessage('x','*')"><script>fetch('${there}/script')</script><iframe src="${there}/frame"></iframe><meta http-equiv="refresh" content="0;url=${there}/away"><a href="javascript:fetch('${there}/link')">click me</a><style>@import url(${there}/style);</style>`;
    const api = await leads(() =>
      JSON.stringify({
        openapi: "3.1.0",
        info: { title: markup, version: "1", description: markup },
        servers: [{ url: there }],
        paths: { "/v1/leads": { get: { summary: "Hostile", description: markup, responses: { 200: { description: markup, content: { "application/json": { schema: { $ref: `${there}/remote.json` } } } } } } } },
      }),
    );
    await publish(api.port);
    const page = await signedIn(browser);
    await page.goto(`${base}/docs/${input.org}`);
    await shown(page);
    assert.match(await page.textContent("#alert"), /^1 references to other documents are left out/);
    await viewer(page).getByText("click me").first().click();
    await page.click("#generate");
    await page.locator("#life:not([hidden])").waitFor();
    await viewer(page).getByRole("button", { name: "TRY" }).first().click();
    await page.waitForFunction(() => /These docs may not call/.test(document.getElementById("alert").textContent));
    await page.screenshot({ path: shot("hostile") });
    assert.deepEqual(evil.asked, [], "nothing was fetched from elsewhere");
    const blocked = complaints.splice(0);
    assert.ok(blocked.length > 0 && blocked.every((text) => /polic|sandbox|Failed to fetch|may not call|Blocked/i.test(text)), blocked.join("\n"));
    api.close();
    evil.close();
  },

  // Descriptions that would keep a viewer busy for ever, or that are none.
  async heavy(browser) {
    const levels = 40;
    const schemas = Object.fromEntries(
      Array.from({ length: levels }, (_, level) => {
        const next = { $ref: `#/components/schemas/s${(level + 1) % levels}x` };
        return [`s${level}x`, level === levels - 1 ? { type: "string" } : { type: "object", properties: { a: next, b: next } }];
      }),
    );
    const head = { openapi: "3.1.0", info: { title: "Heavy", version: "1" } };
    const get = { responses: { 200: { description: "x", content: { "application/json": { schema: { $ref: "#/components/schemas/s0x" } } } } } };
    const said = [];
    for (const text of [
      JSON.stringify({ ...head, paths: { "/": { get } }, components: { schemas } }),
      `{"openapi":"3.1.0","info":${'{"a":'.repeat(5000)}1${"}".repeat(5000)}}`,
      JSON.stringify({ ...head, paths: {}, x: "x".repeat(2 * 1024 * 1024) }),
      "<html>",
      JSON.stringify({ swagger: "2.0" }),
    ]) {
      const api = await leads(() => text);
      await publish(api.port);
      const page = await newPage(browser);
      await page.goto(`${base}/docs/${input.org}`);
      await page.locator("#alert:not([hidden])").waitFor();
      said.push(await page.textContent("#alert"));
      await page.close();
      api.close();
    }
    // The one that is too long is refused by the server already.
    assert.ok(complaints.splice(0).every((text) => /status of 503/.test(text)));
    return said;
  },
});
