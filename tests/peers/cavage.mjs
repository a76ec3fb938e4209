// Signs or verifies requests as the drafts before RFC 9421 do, with `http-signature` from npm.
//
//     cavage.mjs < questions.jsonl > answers.jsonl

import { answerLines, require } from "./lines.mjs";

const { parseRequest, sign, verifyHMAC } = require("http-signature");

const covered = ["(request-target)", "host", "date"];

answerLines(({ verb, method, path, headers, key, key_id: keyId }) => {
  headers = Object.fromEntries(headers);
  if (verb === "sign") {
    const request = {
      method,
      path,
      getHeader: (name) => headers[name.toLowerCase()],
      setHeader: (name, value) => { headers[name.toLowerCase()] = value; },
    };
    sign(request, { key, keyId, headers: covered, algorithm: "hmac-sha256" });
    return { authorization: headers.authorization };
  }
  const request = { method, url: path, httpVersion: "1.1", headers };
  // The time comes from the test.
  const parsed = parseRequest(request, { headers: covered, clockSkew: 1e12 });
  return { verified: verifyHMAC(parsed, key) };
});
