// Scenarios of the way into the portal and out of it.
import assert from "node:assert/strict";
import { foreignServer, input, newPage, run, shot } from "./stage.mjs";

const origin = new URL(input.link).origin;

async function signedIn(page) {
  assert.equal(page.url(), `${origin}/portal`);
  return { name: await page.textContent("#name"), role: await page.textContent("#role") };
}

await run({
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
    assert.equal(await page.textContent(".owner"), input.organization);
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

    await page.click("#sign-out");
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
});
