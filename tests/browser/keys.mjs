// Scenarios of keys in the console: made, copied, revoked; by mouse, by keyboard, and when something comes in between.
import assert from "node:assert/strict";
import { assertAccessible, input, look, newPage, run, watched } from "./stage.mjs";

const origin = new URL(input.link).origin;

async function signIn(browser, options) {
  const page = await newPage(browser, options);
  await page.goto(input.link);
  await page.waitForURL(`${origin}/portal`);
  return page;
}

const rows = (page) => page.locator(".list tbody tr");
const dialog = (page) => page.locator("dialog[open]");

async function openForm(page) {
  await page.locator("a[data-dialog][href='/portal/keys/new']").first().click();
  await dialog(page).locator("input[name=name]").waitFor();
}

async function submit(page) {
  await dialog(page).locator("form button:not([type])").click();
}

// The secret that the dialog holds, once it does.
async function secretOf(page) {
  await dialog(page).locator("#secret").waitFor();
  return page.inputValue("#secret");
}

async function make(page, name) {
  await openForm(page);
  await page.fill("input[name=name]", name);
  await submit(page);
  const secret = await secretOf(page);
  await page.click("[data-done]");
  await page.getByRole("link", { name, exact: true }).waitFor();
  return secret;
}

await run({
  // From nothing to a key, with every mistake on the way, to its end.
  async life(browser) {
    const page = await signIn(browser, { permissions: ["clipboard-read", "clipboard-write"] });
    assert.match(await page.textContent(".empty h2"), /^No API keys yet$/);
    await look(page, "empty", { dark: true });
    await openForm(page);
    assert.equal(await page.evaluate(() => document.activeElement.name), "name", "one can type at once");
    assert.match(await page.textContent("#f-addresses-hint"), input.address ? new RegExp(`Your own address is ${input.address}`) : /./);
    await look(page, "create", { fullPage: false });
    // Nothing that was filled in is lost.
    await page.fill("input[name=limit]", "many");
    await page.fill("textarea[name=addresses]", "203.0.113.0/24\n10.0.0.1/8");
    await page.check("input[value='leads:create']");
    await page.fill("input[name=date]", "2020-01-01");
    assert.ok(await page.isChecked("input[name=expiry][value=date]"), "choosing a date chooses to have one");
    await submit(page);
    await page.locator("#f-name-error:not(:empty)").waitFor();
    const said = async (field) => (await page.textContent(`#f-${field}-error`)).trim();
    assert.equal(await said("name"), "Enter a name.");
    assert.equal(await said("rate"), "Enter a whole number.");
    assert.match(await said("addresses"), /^2: has bits set behind the prefix length; write the network's first address, 10\.0\.0\.0\/8$/);
    assert.equal(await said("expiry"), "Choose a day that is still to come.");
    assert.equal(await page.inputValue("input[name=limit]"), "many");
    assert.equal(await page.inputValue("textarea[name=addresses]"), "203.0.113.0/24\n10.0.0.1/8");
    assert.ok(await page.isChecked("input[value='leads:create']"));
    assert.equal(await page.evaluate(() => document.activeElement.name), "name", "the first mistake has the focus");
    await look(page, "errors", { fullPage: false });
    await page.fill("input[name=name]", input.name);
    await page.fill("input[name=limit]", "600");
    await page.fill("textarea[name=addresses]", "");
    await page.check("input[name=expiry][value='90']");
    await page.check("input[value='leads:read']");
    await submit(page);

    // The one sight of the secret.
    const secret = await secretOf(page);
    assert.equal(await page.getAttribute("#secret", "type"), "password", "masked until somebody asks");
    assert.ok(!(await dialog(page).innerText()).includes(secret));
    await look(page, "copy", { fullPage: false });
    await page.click("[data-reveal]");
    assert.equal(await page.getAttribute("#secret", "type"), "text");
    await page.click("[data-copy]");
    await page.locator("[data-copy]:text-is('Copied')").waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
    await page.click("[data-copy-text]");
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `curl ${origin}/v1/whoami -H "Authorization: Bearer ${secret}"`);
    for (let times = 0; times < 3; times++) await page.keyboard.press("Escape");
    await page.mouse.click(5, 5);
    await page.goBack().catch(() => {});
    assert.equal(await page.inputValue("#secret"), secret, "neither Escape nor a click outside nor Back closes it");
    await page.click("[data-done]");

    await page.getByRole("link", { name: input.name, exact: true }).waitFor();
    assert.equal(await dialog(page).count(), 0);
    const row = await rows(page).innerText();
    for (const shown of ["leads:create", "leads:read", "600 per minute", "Never", "Active", secret.slice(0, 14)]) {
      assert.ok(row.includes(shown), `${shown}: ${row}`);
    }
    assert.ok(!(await page.content()).includes(secret), "the secret is gone from the page");

    // Its end: the row changes when it is in force.
    const id = await rows(page).getAttribute("id");
    await page.click("td.acts a");
    await page.locator("dialog[open] h1").waitFor();
    assert.equal(await page.textContent("#panel-title"), "Revoke this API key?");
    await look(page, "revoke", { fullPage: false });
    await page.fill("#f-reason", "left the company");
    let answered = false;
    page.on("response", (response) => (answered ||= response.url().endsWith("/revoke")));
    await submit(page);
    assert.equal(await rows(page).count(), 1, "the row is there until it is in force");
    await page.locator("#notice p").waitFor();
    assert.ok(answered);
    assert.match(await page.textContent("#notice"), /The key is revoked\. No server anywhere has accepted it since .* UTC\./);
    assert.equal(await rows(page).count(), 0);
    await page.click(".tabs a:not([aria-current])");
    await page.waitForURL(/tab=ended/);
    assert.match(await rows(page).innerText(), /Revoked/);
    assert.equal(await page.locator("td.acts a").count(), 0, "revoked for good");
    await look(page, "ended");
    return { id, secret };
  },

  // The same without a mouse.
  async keyboard(browser) {
    const page = await signIn(browser);
    const press = async (...keys) => {
      for (const key of keys) await page.keyboard.press(key);
    };
    const focused = () => page.evaluate(() => document.activeElement.getAttribute("name") ?? document.activeElement.textContent.trim());
    const tabTo = async (text, key = "Tab") => {
      for (let steps = 0; steps < 60; steps++) {
        await press(key);
        if ((await focused()) === text) return;
      }
      assert.fail(`${text} cannot be reached by keyboard`);
    };
    await press("Tab");
    assert.equal(await focused(), "Skip to content");
    await press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    await page.reload();
    await tabTo("Create API key");
    await press("Enter");
    await dialog(page).locator("input[name=name]").waitFor();
    await press("Escape");
    await page.waitForFunction(() => !document.querySelector("dialog").open);
    assert.equal(await focused(), "Create API key", "the focus comes back to where it was");
    await press("Enter");
    await dialog(page).locator("input[name=name]").waitFor();
    await page.keyboard.type(input.name);
    await press("Tab", "Space", "Enter");
    await secretOf(page);
    assert.equal(await focused(), "Copy your API key");
    await tabTo("Copy");
    await press("Enter", "Escape", "Escape");
    assert.ok(await page.isVisible("#secret"));
    await tabTo("Done");
    await press("Enter");
    await page.getByRole("link", { name: input.name, exact: true }).waitFor();
    await tabTo(`Revoke ${input.name}`);
    await press("Enter");
    await dialog(page).locator("#f-reason").waitFor();
    await tabTo("Revoke key");
    await press("Enter");
    await page.locator("#notice p").waitFor();
    assert.match(await rows(page).first().innerText().catch(() => ""), /^$/);
  },

  // The session ends while somebody types.
  async expired(browser) {
    const page = await signIn(browser);
    await openForm(page);
    await page.fill("input[name=name]", input.name);
    await page.fill("textarea[name=addresses]", "203.0.113.7");
    const ended = await fetch(`${origin}${input.session}`, { method: "DELETE", headers: { authorization: `Bearer ${input.operator}` } });
    assert.equal(ended.status, 204);
    await submit(page);
    await dialog(page).locator("[data-alert]:not([hidden])").waitFor();
    assert.match(await page.textContent("dialog [data-alert]"), /session is over.*open the portal again in another tab/s);
    assert.equal(await page.inputValue("input[name=name]"), input.name);
    assert.equal(await page.inputValue("textarea[name=addresses]"), "203.0.113.7");
    await assertAccessible(page, "expired");
    // As it says: another tab, and once more.
    const other = watched(await page.context().newPage());
    await other.goto(input.second);
    await other.waitForURL(`${origin}/portal`);
    await submit(page);
    await secretOf(page);
    await page.click("[data-done]");
    await page.getByRole("link", { name: input.name, exact: true }).waitFor();

    // A refusal is told in the dialog, too: here of more than a form may carry.
    await openForm(page);
    await page.fill("input[name=name]", "Offline");
    // As if pasted: typing so much takes the browser too long.
    await page.$eval("textarea[name=addresses]", (field) => (field.value = "203.0.113.7\n".repeat(6000)));
    await submit(page);
    await page.waitForFunction(() => /longer than/.test(document.querySelector("dialog [data-alert]").textContent));
    assert.equal(await page.inputValue("input[name=name]"), "Offline");
    // And the network.
    await page.route("**/portal/keys", (route) => route.abort());
    await dialog(page).locator("form button:not([type])").click();
    await page.waitForFunction(() => /cannot be reached/.test(document.querySelector("dialog [data-alert]").textContent));
    assert.equal(await page.inputValue("input[name=name]"), "Offline");
  },

  // However often somebody clicks, and however often a form arrives: one key.
  async double(browser) {
    const page = await signIn(browser);
    await openForm(page);
    await page.fill("input[name=name]", "Twice");
    await dialog(page).locator("form button:not([type])").dblclick();
    await secretOf(page);
    await page.click("[data-done]");
    await page.getByRole("link", { name: "Twice", exact: true }).waitFor();
    assert.equal(await rows(page).count(), 1);
    const statuses = await page.evaluate(async () => {
      const form = new DOMParser().parseFromString(await (await fetch("/portal/keys/new")).text(), "text/html").querySelector("form[action='/portal/keys']");
      form.elements.name.value = "At once";
      const body = () => new URLSearchParams(new FormData(form));
      const send = () => fetch("/portal/keys", { method: "POST", body: body() }).then((answer) => answer.status);
      return [...(await Promise.all([send(), send(), send()])), await send()];
    });
    assert.deepEqual(statuses.toSorted(), [201, 409, 409, 409]);
    await page.reload();
    assert.equal(await rows(page).count(), 2);
  },

  // Two tabs of the same person, each with an older page than it thinks.
  async tabs(browser) {
    const first = await signIn(browser);
    await make(first, "Shared");
    const second = watched(await first.context().newPage());
    await first.getByRole("link", { name: "Shared", exact: true }).click();
    await first.locator("#settings").waitFor();
    const address = first.url();
    await second.goto(address);
    await first.fill("#f-name", "Renamed");
    await first.locator("#settings form button:not([type])").click();
    await first.locator("#notice p").waitFor();
    assert.match(await first.textContent("h1"), /Renamed/);
    await second.fill("#f-name", "Also renamed");
    await second.locator("#settings form button:not([type])").click();
    await second.locator("#settings [data-alert]:not([hidden])").waitFor();
    assert.match(await second.textContent("#settings [data-alert]"), /Somebody else changed this meanwhile/);
    assert.equal(await second.inputValue("#f-name"), "Also renamed", "what was typed is kept");
    await second.locator("#settings form button:not([type])").click();
    await second.locator("#notice p").waitFor();
    assert.match(await second.textContent("h1"), /Also renamed/);
    // Revoked in one, asked about in the other.
    const ask = (page) => page.getByRole("link", { name: "Revoke", exact: true }).click();
    await ask(first);
    await ask(second);
    await submit(first);
    await first.locator(".status.revoked").first().waitFor();
    await submit(second);
    await second.locator(".status.revoked").first().waitFor();
    assert.equal(await second.locator("#settings").count(), 0, "nothing can be edited any more");
  },

  async back(browser) {
    const page = await signIn(browser);
    await make(page, "Here");
    await openForm(page);
    await page.goBack();
    await page.waitForFunction(() => !document.querySelector("dialog").open);
    assert.equal(page.url().replace(/\?.*/, ""), `${origin}/portal`);
    await page.getByRole("link", { name: "Here", exact: true }).click();
    await page.locator("#h-secrets").waitFor();
    await page.getByRole("link", { name: "Revoke", exact: true }).click();
    await dialog(page).locator("[data-close]").click();
    await page.waitForFunction(() => !document.querySelector("dialog").open);
    await page.goBack();
    await page.waitForURL((url) => url.pathname === "/portal");
    assert.equal(await rows(page).count(), 1, "two steps that were taken, two that go back");
    await page.goForward();
    await page.locator("#h-secrets").waitFor();
  },

  // Names are text, whatever they look like, and turn nothing around.
  async hostile(browser) {
    const page = await signIn(browser);
    for (const name of input.names) await make(page, name);
    assert.equal(await rows(page).count(), input.names.length);
    for (const name of input.names) {
      await page.goto(`${origin}/portal`);
      await page.getByRole("link", { name, exact: true }).click();
      await page.locator("#h-secrets").waitFor();
      assert.equal(await page.textContent("h1"), name);
      assert.equal(await page.inputValue("#f-name"), name);
      await page.getByRole("link", { name: "Revoke", exact: true }).click();
      await dialog(page).locator(".subject bdi").waitFor();
      assert.equal(await page.textContent("dialog .subject bdi"), name);
    }
    await page.goto(`${origin}/portal`);
    await look(page, "hostile");
    const isolated = await page.$$eval(".list .name > bdi", (names) => names.map((name) => getComputedStyle(name).unicodeBidi));
    assert.ok(isolated.every((value) => value === "isolate"), `${isolated}`);
  },

  // No script at all: pages and forms do the same.
  async "without-script"(browser) {
    const page = await signIn(browser, { javaScriptEnabled: false });
    await page.locator(".empty a").click();
    await page.fill("input[name=limit]", "x");
    await page.click("form button:not([type]):not(#sign-out)");
    assert.equal((await page.textContent("#f-name-error")).trim(), "Enter a name.");
    await page.fill("input[name=name]", "Plain");
    await page.fill("input[name=limit]", "");
    await page.click("form button:not([type]):not(#sign-out)");
    const secret = await page.inputValue("#secret");
    assert.equal(await page.textContent("noscript p").catch(() => ""), secret);
    await page.click("[data-done]");
    await page.click("td.acts a");
    await page.click(".panel form button");
    assert.match(await page.textContent("#notice"), /The key is revoked/);
  },
});
