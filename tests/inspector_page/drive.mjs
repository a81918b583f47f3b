// A person at the Inspector's page: connects, lists the tools, makes a call that works and one that doesn't.
//
//   node drive.mjs ADDRESS CHROMIUM FOLDER
//
// FOLDER has playwright-core in its node_modules and gets the screenshots. What the page showed goes to stdout as JSON.

import { createRequire } from "node:module";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";

const [address, executablePath, folder] = process.argv.slice(2);
const { chromium } = createRequire(join(folder, "package.json"))("playwright-core");

const browser = await chromium.launch({
  executablePath,
  // Besides Playwright's own, which stop the browser's background traffic: nothing but loopback is looked up.
  args: ["--disable-gpu", "--disable-quic", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
});
const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
page.setDefaultTimeout(45_000);
const picture = (name) => page.screenshot({ path: join(folder, `${name}.png`), animations: "disabled" });

const errors = [];
page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
page.on("pageerror", (error) => errors.push(String(error)));
// The page asks for web fonts: an empty stylesheet does as well.
await page.route(
  (url) => url.origin !== new URL(address).origin,
  (route) => route.fulfill({ contentType: "text/css", body: "" }),
);

const alert = page.getByRole("alert");
const tools = page.getByRole("button", { name: /\bexperiments_/ });
const disconnected = page.getByText("Disconnected", { exact: true });
const choose = (tool) => tools.filter({ has: page.getByText(tool, { exact: true }) }).click();
const execute = () => page.getByRole("button", { name: "Execute Tool" }).click();

try {
  await page.goto(address);
  // Just after it first shows the switch, the page exchanges it for a new one: a key that comes in between is lost.
  for (let tries = 0, begun = false; tries < 5 && !begun; tries++) {
    await page.getByRole("switch", { name: /^Connect or disconnect/ }).press("Space");
    begun = await disconnected.waitFor({ state: "hidden", timeout: 5_000 }).then(() => true, () => false);
  }
  await page.getByText("Connected", { exact: true }).waitFor();
  await page.locator("label", { hasText: /^Tools$/ }).click();
  await page.getByRole("heading", { name: /^Tools \(\d+\)$/ }).waitFor();
  await tools.first().waitFor();
  const names = (await tools.allInnerTexts()).map((text) => text.match(/experiments_\w+/)[0]);
  const lint = await tools.getByLabel(/^Schema portability/).evaluateAll((all) => all.map((it) => it.ariaLabel));
  await picture("tools");

  await choose("experiments_list");
  await execute();
  // The text block and, below it, the structured content: each in a viewer that draws its lines when it can.
  const shown = page.locator(".ace_content", { hasText: /"support-detailed-prompt".*"has_more": false\s*\}\s*\}/s });
  await shown.nth(1).or(alert).waitFor();
  for (const text of await alert.allInnerTexts()) throw new Error(`no experiments but an alert: ${text}`);
  const listed = await shown.allInnerTexts();
  await picture("experiments_list");

  await choose("experiments_get");
  await page.getByRole("textbox", { name: "experiment_id" }).fill("nope");
  await execute();
  await alert.waitFor();
  const problem = await alert.innerText();
  await picture("experiments_get");

  console.log(JSON.stringify({ names, lint, listed, problem, errors }));
} catch (error) {
  console.error(stripVTControlCharacters(String(error)));
  process.exitCode = 1;
  await picture("failure");
  const text = await page.locator("body").innerText();
  console.error(`\nThe page (${join(folder, "failure.png")}):\n${text}\n\nIts console: ${JSON.stringify(errors)}`);
} finally {
  await browser.close();
}
