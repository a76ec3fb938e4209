// Signs or verifies webhooks with `stripe` from npm.
//
//     stripe.mjs < questions.jsonl > answers.jsonl

import { answerLines, require } from "./lines.mjs";

const Stripe = require("stripe");
const { webhooks } = new (Stripe.default ?? Stripe)("sk_test_unused");

answerLines(({ verb, payload, secret, timestamp, header }) => {
  if (verb === "sign") {
    return { header: webhooks.generateTestHeaderString({ payload, secret, timestamp }) };
  }
  return { id: webhooks.constructEvent(payload, header, secret).id };
});
