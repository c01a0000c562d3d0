// Scenarios of the portal in Chromium.
//
//   LATCHKEY_CHROMIUM=… LATCHKEY_SCREENSHOTS=DIR node portal.mjs <scenario> <input as JSON>
//
// Prints a report as JSON. Whatever is not as it should be ends the scenario with its message.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [, , scenario, text] = process.argv;
const input = JSON.parse(text);
const origin = new URL(input.link).origin;
const screenshots = process.env.LATCHKEY_SCREENSHOTS;
mkdirSync(screenshots, { recursive: true });

// What a page complains about: errors on the console, dialogs, whatever its policy had to block.
const complaints = [];

async function newPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  await context.addInitScript(() =>
    addEventListener("securitypolicyviolation", (event) => console.error(`blocked by policy: ${event.violatedDirective} ${event.blockedURI}`)),
  );
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  // The browser notes each page that is answered with 401 or 403; that is what such an answer is.
  const expected = /^Failed to load resource: the server responded with a status of 40[13]/;
  page.on("console", (message) => {
    // An answer of the API, shown as a page, names no icon: the browser then looks for one where it always looks.
    const noise = expected.test(message.text()) || message.location().url.endsWith("/favicon.ico");
    if (message.type() === "error" && !noise) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    return dialog.dismiss();
  });
  return page;
}

// Somebody else's server, on every address of this machine: `localhost` and `127.0.0.1` are two sites.
async function foreignServer(answer) {
  const server = createServer(answer).listen(0);
  await new Promise((resolve) => server.once("listening", resolve));
  return { port: server.address().port, close: () => server.close() };
}

function shot(name) {
  return join(screenshots, `${input.screenshots ?? scenario}-${name}.png`);
}

async function signedIn(page) {
  assert.equal(page.url(), `${origin}/portal`);
  return { name: await page.textContent("#name"), role: await page.textContent("#role") };
}

const scenarios = {
  // The way that links are meant to be handed out: a button in the product, whose backend redirects to a fresh link.
  async "sign-in"(browser) {
    const product = await foreignServer((request, response) =>
      request.url === "/open"
        ? response.writeHead(302, { location: input.link }).end()
        : response.writeHead(200, { "content-type": "text/html" }).end('<a href="/open">API keys</a>'),
    );
    const page = await newPage(browser);
    const site = new URL(origin).hostname === "localhost" ? "127.0.0.1" : "localhost";
    await page.goto(`http://${site}:${product.port}/`);
    await page.click("a");
    await page.waitForURL(`${origin}/portal`);
    const expected = { name: input.name, role: input.role };
    assert.deepEqual(await signedIn(page), expected);
    assert.ok((await page.textContent(".brand")).includes(input.organization));
    await page.screenshot({ path: shot("portal-desktop") });
    await page.reload();
    assert.deepEqual(await signedIn(page), expected, "a reload stays signed in");
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 390, height: 780 });
    await page.screenshot({ path: shot("portal-phone-dark") });
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390, "nothing is cut off on a phone");
    assert.equal(await page.evaluate(() => document.cookie), "", "no script can read the cookie");
    const cookies = await page.context().cookies();
    assert.ok(cookies.length > 0 && cookies.every((cookie) => cookie.httpOnly && cookie.sameSite === "Strict"), JSON.stringify(cookies));

    const second = await newPage(browser);
    const refused = await second.goto(input.link);
    assert.equal(refused.status(), 401);
    assert.match(await second.textContent("h1"), /can no longer be used/);
    await second.screenshot({ path: shot("link-refused") });
    assert.equal((await second.goto(`${origin}/portal`)).status(), 401);
    assert.deepEqual(await second.context().cookies(), []);

    await page.click("button");
    await page.waitForFunction(() => document.title === "You are not signed in");
    assert.equal(page.url(), `${origin}/portal`);
    await page.screenshot({ path: shot("signed-out-phone-dark") });
    assert.deepEqual(await page.context().cookies(), []);
    assert.equal((await page.goto(input.link)).status(), 401, "the link does not open again");
    product.close();
    return { cookies: cookies.map((cookie) => cookie.name).sort() };
  },

  // Forms that somebody else's page sends off by itself.
  async foreign(browser) {
    const page = await newPage(browser);
    await page.goto(input.link);
    await page.waitForURL(`${origin}/portal`);
    const attacker = await foreignServer((request, response) => {
      const action = new URL(request.url, origin).searchParams.get("action");
      const form = `<form method="post" action="${action}"></form><script>document.forms[0].submit()</script>`;
      response.writeHead(200, { "content-type": "text/html" }).end(form);
    });
    const statuses = async (host) => {
      const seen = [];
      for (const action of [`${origin}/portal/sign-out`, input.revoke]) {
        const answered = page.waitForResponse((response) => response.url() === action);
        await page.goto(`http://${host}:${attacker.port}/?action=${encodeURIComponent(action)}`).catch(() => {});
        seen.push((await answered).status());
      }
      return seen;
    };
    const report = { "same-site": await statuses("127.0.0.1"), "cross-site": await statuses("localhost") };
    attacker.close();
    await page.goto(`${origin}/portal`);
    await signedIn(page);
    return report;
  },
};

const browser = await chromium.launch({
  executablePath: process.env.LATCHKEY_CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
try {
  const report = await scenarios[scenario](browser);
  assert.deepEqual(complaints, []);
  console.log(JSON.stringify(report));
} finally {
  await browser.close();
}
