// Tests the page of `tower-hmac inspect` in headless Chromium: paste, verdict, cause and copy; by
// keyboard only; in light and dark and at 360 px; with axe-core; and without requests to other hosts.
//
//   node page.mjs COMMAND MISTAKES.json [PICTURES]
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const require = createRequire(join(process.cwd(), "page.mjs"));
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [command, mistakesFile, pictures] = process.argv.slice(2);

const KEY = "page-key-61f3c0aa";
const CAPTURE = `POST /hook?event=push HTTP/1.1
Host: example.com
X-Time: 1700000000
X-Signature: sha256=TAG
Content-Length: 16

{"event":"push"}`;
const FORMAT = JSON.stringify({
  header: "X-Signature",
  prefix: "sha256=",
  parts: [{ timestamp: "X-Time" }, "\n", "method", "\n", "path", "\n", "query", "\n", "body"],
});

async function tag(path) {
  const { createHmac } = await import("node:crypto");
  const text = `1700000000\nPOST\n${path}\nevent=push\n{"event":"push"}`;
  return createHmac("sha256", KEY).update(text).digest("hex");
}

/** The settings of a case of mistakes.json as the page takes them. */
function settings(config) {
  const { format, key, keys, now, require_only: components, ...rest } = config;
  if (format !== "parts") rest.scheme = format;
  if (components) rest.components = components;
  rest.parts = rest.parts?.map((part) =>
    part.timestamp ? { timestamp: part.timestamp[0], as: part.timestamp[1] } : part);
  return JSON.stringify(rest);
}

const server = spawn(command, ["inspect", "--port", "0"], { stdio: ["ignore", "pipe", "pipe"] });
let told = "";
server.stderr.on("data", (data) => { told += data; });
const line = await new Promise((resolve) => createInterface(server.stdout).once("line", resolve));
const base = /http:\S+/.exec(line)[0];
server.stdout.on("data", (data) => { told += data; });

const folder = mkdtempSync(join(tmpdir(), "tower-hmac-page-"));
const netLog = join(folder, "net.json");
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-features=AutofillServerCommunication",
    `--log-net-log=${netLog}`, "--net-log-capture-mode=Everything",
  ],
});

async function open(options) {
  const context = await browser.newContext({
    permissions: ["clipboard-read", "clipboard-write"], ...options,
  });
  // In addition to the page's own policy, which stays in force during the test.
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => { if (message.type() === "error") problems.push(message.text()); });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith(base) && !request.url().startsWith("data:")) problems.push(request.url());
  });
  const response = await page.goto(base);
  return { page, problems, response };
}

async function ask(page, capture, format, key, encoding = "text") {
  await page.fill("#capture", capture);
  await page.fill("#format", format);
  await page.selectOption("#encoding", encoding);
  await page.fill("#key", key);
  const answered = page.waitForResponse((response) => response.url().endsWith("/explain"));
  await page.click("button[type=submit]");
  await answered;
  await page.waitForFunction(() => !document.getElementById("answer").hidden
    || document.querySelector(".error:not(:empty)"));
}

async function audit(page, what) {
  // Evaluated through the protocol, which needs no exception in the policy.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes[0].html]), [], what);
  const overflow = await page.evaluate(() =>
    document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(overflow <= 0, `${what}: ${overflow} px too wide`);
}

try {
  const { page, problems, response } = await open({ viewport: { width: 1000, height: 900 } });
  const policy = response.headers()["content-security-policy"];
  assert.ok(policy.startsWith("default-src 'none'") && !policy.includes("unsafe"), policy);

  // By keyboard only: Tab reaches every field.
  const wrong = CAPTURE.replace("TAG", await tag("/api/hook"));
  const focused = () => page.evaluate(() => document.activeElement.id);
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "capture");
  await page.keyboard.insertText(wrong);
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "format");
  await page.keyboard.insertText(FORMAT);
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "key");
  await page.keyboard.type(KEY);
  await page.keyboard.press("Enter");
  await page.waitForSelector("#answer:not([hidden]) .cause");
  assert.match(await page.textContent("#verdict"), /^Rejected: mismatch, at step mac/);
  assert.match(await page.textContent(".cause"), /\/api before the path/);
  assert.match(await page.textContent("#notes"), /the capture has LF only/);
  // Each part has a colour and the name of its source.
  const parts = await page.$$eval("#text span", (spans) => spans.map((span) => [span.textContent, span.title]));
  assert.deepEqual(parts[0], ["1700000000", "x-time, bytes 0 to 9"]);
  assert.deepEqual(parts.at(-1), ["{\"event\":\"push\"}", "body, bytes 33 to 48"]);
  const legend = await page.$$eval("#legend li", (items) => items.map((item) => item.textContent));
  assert.deepEqual(legend, ["x-time 10 B", "literal 4 B", "method 4 B", "path 5 B", "query 10 B", "body 16 B"]);
  if (pictures) {
    await page.evaluate(() => document.activeElement.blur());
    await page.screenshot({ path: join(pictures, "inspect.png"), fullPage: true });
    await page.focus("#key");
  }

  while (await focused() !== "hex") await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  assert.match(await page.textContent("#text"), /^31 37 30 30/);
  while (await focused() !== "copy") await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.getElementById("copied").textContent !== "");
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  const vector = JSON.parse(copied);
  assert.equal(vector.request.target, "/hook?event=push");
  assert.match(vector.expect.likely[0], /before the path/);
  assert.ok(!copied.includes(KEY));
  console.log("paste, verdict, cause and copy by keyboard: ok");

  // A correct request is accepted at once, without a click.
  const right = CAPTURE.replace("TAG", await tag("/hook"));
  await page.fill("#capture", right);
  await page.waitForSelector("#verdict.good");
  assert.equal(await page.$(".cause"), null);

  // A capture that cannot be read, and an unknown scheme.
  await ask(page, right.replace("Host:", "Host"), FORMAT, KEY);
  assert.match(await page.textContent("#capture-error"), /^line 2, column 1: expected /);
  assert.equal(await focused(), "capture");
  await ask(page, right, "strpie", KEY);
  assert.match(await page.textContent("#format-error"), /the nearest are stripe/);
  await ask(page, right, FORMAT, "xyz", "hex");
  assert.match(await page.textContent("#key-error"), /hex/);
  // The browser logs only that the server answered 422.
  assert.deepEqual(problems.filter((problem) => !problem.includes("422")), []);
  console.log("errors at their fields: ok");

  const mistakes = JSON.parse(readFileSync(mistakesFile, "utf8")).cases;
  let named = 0;
  for (const { id, config, request, expect } of mistakes) {
    const keys = config.key ?? Object.values(config.keys)[0];
    const [[encoding, key]] = Object.entries(keys);
    await ask(page, JSON.stringify(request), settings(config), key, encoding);
    const causes = await page.$$eval(".cause strong", (all) => all.map((one) => one.textContent.replace("Likely: ", "")));
    if (causes.length === 1 && causes[0].includes(expect.likely.replaceAll("`", ""))) named += 1;
    else console.log(`${id}: ${causes}`);
  }
  assert.ok(named >= 20, `only ${named} mistakes are named`);
  console.log(`${named} of ${mistakes.length} mistakes named`);

  // The policy works: a script on the page cannot reach another host.
  await ask(page, wrong, FORMAT, KEY);
  const reached = await page.evaluate(() =>
    fetch("http://127.0.0.1:9/", { mode: "no-cors" }).then(() => "reached", (error) => error.message));
  assert.equal(reached, "Failed to fetch");
  assert.ok(problems.some((problem) => problem.includes("Content Security Policy")));
  const html = await page.content();
  const kept = await page.evaluate(() => JSON.stringify([location.href, { ...localStorage }, { ...sessionStorage }, document.cookie]));
  assert.ok(!html.includes(KEY) && !kept.includes(KEY) && !told.includes(KEY), "the key is told");

  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1000, 360]) {
      const { page } = await open({ colorScheme, viewport: { width, height: 900 } });
      await audit(page, `${colorScheme}, ${width} px, empty`);
      await ask(page, wrong, FORMAT, KEY);
      await audit(page, `${colorScheme}, ${width} px`);
      if (pictures) {
        await page.screenshot({ path: join(pictures, `inspect-${colorScheme}-${width}.png`), fullPage: true });
      }
    }
  }
  console.log("axe-core, light and dark, 1000 and 360 px: ok");
} finally {
  await browser.close();
  server.kill();
}

// The requests in the browser's own log. Chromium contacts its maker for updates and accounts,
// whatever page it shows. A page with this policy could not.
const isChromiums = (url) => /^https?:\/\/[a-z0-9.-]+\.(google|googleapis)\.com\//.test(url);
const urls = [...readFileSync(netLog, "utf8").matchAll(/"url":"(https?:[^"]+)"/g)].map((match) => match[1]);
const elsewhere = new Set(urls.filter((url) => !url.startsWith(base) && !isChromiums(url)));
assert.ok(urls.length > 0);
assert.deepEqual([...elsewhere], []);
rmSync(folder, { recursive: true });
console.log("no request to anywhere else: ok");
