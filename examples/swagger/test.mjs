// Tests the code of docs/swagger.md against the layer: first under node, then by the button of Swagger
// UI in headless Chromium.
//
//   node test.mjs PROGRAM SWAGGER.md, in the folder with node_modules
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

const require = createRequire(join(process.cwd(), "test.mjs"));
const [program, docs] = process.argv.slice(2);
const blocks = [...readFileSync(docs, "utf8").matchAll(/^```javascript\n(.*?)^```/gms)].map(([, code]) => code);
const [sign, ...schemes] = blocks.slice(0, -1);
assert.ok(sign.length <= 3000, `sign.js has ${sign.length} bytes`);

const KEY = `swagger-${randomBytes(12).toString("hex")}`;
const WHSEC = `whsec_${randomBytes(24).toString("base64")}`;
const NAMES = ["flask", "parts", "list", "webhooks"];
assert.equal(schemes.length, NAMES.length);
const keyOf = (name) => (name === "webhooks" ? WHSEC : KEY);

const service = spawn(program, ["node_modules/swagger-ui-dist"], {
  env: { ...process.env, HMAC_KEY: KEY, WHSEC_KEY: WHSEC },
  stdio: ["ignore", "pipe", "inherit"],
});
const line = await new Promise((resolve) => createInterface(service.stdout).once("line", resolve));
const base = `http://${line.replace("listening on ", "")}`;

/** The interceptor of a scheme under node, with a secret typed. */
function interceptor(place, secret) {
  const input = new EventTarget();
  const location = { href: `${base}/${NAMES[place]}/api/` };
  const make = new Function("location", "input", `${sign}\n${schemes[place]}\nreturn signRequests({ input, ...scheme });`);
  const intercept = make(location, input);
  const type = (text) => {
    input.value = text;
    input.dispatchEvent(new Event("change"));
  };
  if (secret) type(secret);
  return { intercept, input, type };
}

async function send({ intercept }, place, { body, path = "/orders?note=a%20b%26c%2F%C3%BC", method = "POST", headers = {} }) {
  const request = await intercept({ url: `${base}/${NAMES[place]}${path}`, method, body, headers });
  return [await (request.userFetch ?? fetch)(request.url, request), request];
}

const json = { "Content-Type": "application/json" };
const body = JSON.stringify({ text: "two chairs,\r\nfür Zoë 🪑" });

async function underNode(place) {
  const signed = interceptor(place, keyOf(NAMES[place]));
  assert.equal(signed.input.value, "", "the field is emptied");
  for (const bytes of [body, new Blob([body]), new File([body], "order.json")]) {
    const [answer] = await send(signed, place, { body: bytes, headers: json });
    assert.equal(answer.status, 200, `${NAMES[place]}, ${bytes.constructor.name}`);
  }
  // Signed and accepted, and then a method that the route does not have.
  const [get] = await send(signed, place, { method: "GET" });
  assert.equal(get.status, 405);

  const wrong = interceptor(place, NAMES[place] === "webhooks" ? `whsec_${randomBytes(24).toString("base64")}` : `x${KEY}`);
  const [rejected] = await send(wrong, place, { body, headers: json });
  assert.equal(rejected.status, 403);
  // A secret in the dialog for the header is not sent.
  const names = Object.keys((await send(signed, place, { body, headers: json }))[1].headers);
  for (const name of names.filter((name) => name !== "content-type")) {
    const headers = { ...json, [name.toUpperCase()]: "a typed secret" };
    const [answer, sent] = await send(signed, place, { body, headers });
    assert.equal(answer.status, 200, name);
    assert.ok(!JSON.stringify(sent).includes("a typed secret"));
  }

  const empty = interceptor(place);
  await assert.rejects(send(empty, place, { body }), /Type the secret first/);
  empty.type(keyOf(NAMES[place]));
  empty.type("");
  await assert.rejects(send(empty, place, { body }), /Type the secret first/);
  await assert.rejects(send(signed, place, { body: new FormData() }), /Multipart/);
  const spec = { url: "openapi.json", loadSpec: true };
  assert.deepEqual(await signed.intercept({ ...spec }), spec);
}

async function byButton(browser, place) {
  const secret = keyOf(NAMES[place]);
  const context = await browser.newContext();
  const page = await context.newPage();
  const problems = [];
  const sent = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    // Browsers request an icon by themselves.
    const isIcon = message.location().url.endsWith("/favicon.ico");
    if (message.type() === "error" && !isIcon) problems.push(message.text());
  });
  page.on("request", (request) => {
    sent.push(request.url(), JSON.stringify(request.headers()), request.postData() ?? "");
    if (!request.url().startsWith(base) && !request.url().startsWith("data:")) problems.push(request.url());
  });
  await page.goto(`${base}/${NAMES[place]}/api/`);
  await page.click(".opblock-summary-control");
  await page.click(".try-out__btn");
  const press = async () => {
    const answered = page.waitForResponse((response) => response.url().includes("/orders"));
    await page.click(".execute");
    return (await answered).status();
  };

  // Without a secret nothing is sent.
  await page.click(".execute");
  await page.waitForSelector(".responses-table.live-responses-table");
  assert.match(await page.textContent(".live-responses-table"), /Type the secret first/);
  assert.ok(!sent.some((text) => text.includes("/orders")));

  await page.type("#secret", secret);
  assert.equal(await press(), 200, NAMES[place]);
  await page.waitForFunction(() => /Zoëa b&c/.test(document.querySelector(".live-responses-table")?.textContent));
  assert.equal(await press(), 200, `${NAMES[place]}, again`);
  assert.deepEqual(problems, []);

  const kept = await page.evaluate(() => JSON.stringify([
    location.href, { ...localStorage }, { ...sessionStorage }, document.cookie,
    [...document.querySelectorAll("input")].map((input) => input.value),
  ]));
  const told = [await page.content(), kept, JSON.stringify(await context.storageState({ indexedDB: true })), ...sent];
  assert.ok(told.every((text) => !text.includes(secret)), "the secret is told");

  await page.type("#secret", secret.replace(/.....$/, "AAAAA"));
  assert.equal(await press(), 403);
  await context.close();
}

try {
  for (const place of NAMES.keys()) await underNode(place);
  console.log(`swagger: ${NAMES.join(", ")} accepted under node; sign.js has ${sign.length} bytes`);

  if (process.env.CHROMIUM) {
    const { chromium } = require("playwright-core");
    const browser = await chromium.launch({
      executablePath: process.env.CHROMIUM,
      args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
    });
    try {
      for (const place of NAMES.keys()) await byButton(browser, place);
    } finally {
      await browser.close();
    }
    console.log("swagger: the button of each page in Chromium is accepted, and tells no secret");
  }
} finally {
  service.kill();
}
