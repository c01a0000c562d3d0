// What all scenarios stand on: a browser, pages that complain aloud, screenshots, the accessibility check.
//
//   LATCHKEY_CHROMIUM=… LATCHKEY_SCREENSHOTS=DIR node <file> <scenario> <input as JSON>
//
// Prints a report as JSON. Whatever is not as it should be ends the scenario with its message.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [, , scenario, text] = process.argv;
export const input = JSON.parse(text);
const screenshots = process.env.LATCHKEY_SCREENSHOTS;
mkdirSync(screenshots, { recursive: true });

// What a page complains about: errors on the console, dialogs, whatever its policy had to block.
export const complaints = [];

export async function newPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`blocked by policy: ${event.violatedDirective} ${event.blockedURI}`));
    window.shift = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => (window.shift += entry.hadRecentInput ? 0 : entry.value))).observe({
      type: "layout-shift",
      buffered: true,
    });
  });
  return watched(await context.newPage());
}

// A page that was opened from another, or beside it, complains as aloud.
export function watched(page) {
  page.setDefaultTimeout(15_000);
  // The browser notes each page that is answered with such a status, and each request that a scenario cuts off.
  const expected = /^Failed to load resource: (net::ERR_FAILED$|the server responded with a status of 4(01|03|04|09|12|13|22|29))/;
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
export async function foreignServer(answer) {
  const server = createServer(answer).listen(0);
  await new Promise((resolve) => server.once("listening", resolve));
  return { port: server.address().port, close: () => server.close() };
}

export function shot(name) {
  return join(screenshots, `${input.screenshots ?? scenario}-${name}.png`);
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// Nothing that axe knows of, at any level, in either color scheme. The script comes through the debugger: pages would not
// load it.
export async function assertAccessible(page, what) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    const found = violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.target} ${node.failureSummary}`));
    assert.deepEqual(found, [], `${what} (${colorScheme})`);
  }
  await page.emulateMedia({ colorScheme: "light" });
}

// The page at desktop and phone width: nothing is cut off, nothing is inaccessible; a screenshot of each.
export async function look(page, name, { dark = false, fullPage = true } = {}) {
  await assertAccessible(page, name);
  await page.screenshot({ path: shot(name), fullPage });
  await page.setViewportSize({ width: 390, height: 844 });
  await page.emulateMedia({ colorScheme: dark ? "dark" : "light" });
  const [scrollWidth, clientWidth] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(scrollWidth <= clientWidth, `${name}: nothing is cut off on a phone`);
  await page.screenshot({ path: shot(`${name}-phone${dark ? "-dark" : ""}`), fullPage });
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1280, height: 800 });
}

export async function run(scenarios) {
  const browser = await chromium.launch({
    executablePath: process.env.LATCHKEY_CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
  try {
    const report = await scenarios[scenario](browser);
    assert.deepEqual(complaints, []);
    console.log(JSON.stringify(report ?? null));
  } finally {
    await browser.close();
  }
}
