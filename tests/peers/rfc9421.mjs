// Signs or verifies requests with `http-message-signatures` from npm.
//
//     rfc9421.mjs sign|verify KEY_ID KEY_BASE64 < requests.jsonl > answers.jsonl

import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

// `scripts/peers` installs outside of the source tree.
const require = createRequire(new URL("../../target/peers/", import.meta.url));
const { createSigner, createVerifier, httpbis } = require("http-message-signatures");

const [verb, keyId, keyText] = process.argv.slice(2);
const key = Buffer.from(keyText, "base64");

// The package does not compute the digest of the body.
const digest = (body) => `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;

// The code of docs/which-format.md, which expects a request with a body and its digest.
const page = readFileSync(new URL("../../docs/which-format.md", import.meta.url), "utf8");
const block = page.split("\n```js\n")[1].split("\n```")[0].replace('"billing"', "keyId");
const signAsOnThePage = new Function(
  "httpbis, createSigner, randomBytes, key, keyId, request",
  `return (async () => { ${block}\nreturn signed; })()`,
);

async function sign({ method, url, headers, body }) {
  const fields = ["@method", "@authority", "@path", "@query"];
  if (body.length > 0) {
    headers["Content-Digest"] = digest(body);
    const request = { method, url, headers };
    const signed = await signAsOnThePage(httpbis, createSigner, randomBytes, key, keyId, request);
    return { url, headers: Object.entries(signed.headers) };
  }
  const config = {
    key: createSigner(key, "hmac-sha256", keyId),
    name: "npm",
    fields,
    params: ["keyid", "nonce", "alg", "expires", "created"],
    paramValues: { nonce: randomBytes(24).toString("base64url") },
  };
  const signed = await httpbis.signMessage(config, { method, url, headers });
  return { url, headers: Object.entries(signed.headers) };
}

async function verify({ method, url, headers, body }) {
  const config = {
    keyLookup: async ({ keyid }) =>
      keyid === keyId
        ? { id: keyId, algs: ["hmac-sha256"], verify: createVerifier(key, "hmac-sha256") }
        : null,
    requiredFields: ["@method", "@authority", "@path", "@query"].concat(
      body.length > 0 ? ["content-digest"] : [],
    ),
    requiredParams: ["created", "keyid", "nonce"],
    tolerance: 60,
    maxAge: 300,
    all: true,
  };
  if ((await httpbis.verifyMessage(config, { method, url, headers })) !== true) {
    throw new Error("the signature does not match");
  }
  if (body.length > 0 && headers["content-digest"] !== digest(body)) {
    throw new Error("the digest does not match");
  }
  return { covered: config.requiredFields };
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  request.headers = Object.fromEntries(request.headers);
  request.body = Buffer.from(request.body_base64, "base64");
  const answer = await { sign, verify }[verb](request).catch((error) => ({ error: `${error}` }));
  console.log(JSON.stringify(answer));
}
