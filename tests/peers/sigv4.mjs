// Signs requests with `@smithy/signature-v4`, as the AWS SDK for JavaScript does.
//
//     sigv4.mjs SERVICE KEY_ID SECRET headers|query < requests.jsonl > answers.jsonl

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

// `scripts/peers` installs outside of the source tree.
const require = createRequire(new URL("../../target/peers/", import.meta.url));
const { SignatureV4 } = require("@smithy/signature-v4");
const { Sha256 } = require("@aws-crypto/sha256-js");

const [service, accessKeyId, secretAccessKey, place] = process.argv.slice(2);
const signer = new SignatureV4({
  service,
  region: "us-east-1",
  credentials: { accessKeyId, secretAccessKey },
  sha256: Sha256,
  // The settings of the S3 client.
  uriEscapePath: service !== "s3",
});

// The package takes a query in decoded parts, and does not write it.
function encoded(text) {
  const more = (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text).replace(/[!'()*]/g, more);
}

function target({ path, query }) {
  const parts = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().map((value) => `${encoded(name)}=${encoded(value)}`),
  );
  return parts.length > 0 ? `${path}?${parts.join("&")}` : path;
}

for await (const text of createInterface({ input: process.stdin })) {
  const line = JSON.parse(text);
  const url = new URL(line.url);
  const query = {};
  for (const [name, value] of url.searchParams) {
    query[name] = name in query ? [query[name], value].flat() : value;
  }
  const request = {
    method: line.method,
    protocol: url.protocol,
    hostname: url.hostname,
    port: Number(url.port),
    path: url.pathname,
    query,
    headers: { ...Object.fromEntries(line.headers), host: url.host },
    body: Buffer.from(line.body_base64, "base64"),
  };
  // The settings of the S3 presigner.
  if (service === "s3" && place === "query") {
    request.headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD";
  }
  const signed =
    place === "headers"
      ? await signer.sign(request)
      : await signer.presign(request, { expiresIn: 60 });
  const headers = Object.entries(signed.headers).filter(([name]) => name !== "host");
  console.log(JSON.stringify({ url: `${url.origin}${target(signed)}`, headers }));
}
