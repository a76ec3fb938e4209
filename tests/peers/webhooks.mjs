// Signs and verifies webhooks with the packages that providers ship on npm.
//
//     webhooks.mjs < questions.jsonl > answers.jsonl
//
// A question is `{verb, provider, secrets, body, url, id, time, headers}`, where `body` is base64,
// `time` is Unix seconds and `url` is that of the webhook. `sign` answers `{headers}`, or
// `{headers: null}` where the package only verifies; `verify` answers `{valid}`.

import { createRequire } from "node:module";
import { answerLines, require } from "./lines.mjs";

const modules = new URL("../../target/peers/node_modules/", import.meta.url);
// A module without an entry point for `require`.
const octokit = await import(new URL("@octokit/webhooks-methods/dist-node/index.js", modules));
const linear = await import(new URL("@linear/sdk/dist/webhooks/index.mjs", modules));
const standard = require("standardwebhooks");
const svix = require("svix");
const Stripe = require("stripe");
const { webhooks: stripe } = new (Stripe.default ?? Stripe)("sk_test_unused");
const { WorkOS } = require("@workos-inc/node");
const { Paddle } = require("@paddle/paddle-node-sdk");
const Pusher = require("pusher");
const { Mux } = require("@mux/mux-node");
const sanity = require("@sanity/webhook");
const razorpay = require("razorpay");
const twilio = require("twilio");
const line = require("@line/bot-sdk");
const notion = require("@notionhq/client");
const coinbase = require("coinbase-commerce-node");

// Not part of the package's public API.
const PusherToken = createRequire(modules)("pusher/lib/token");

const workos = new WorkOS("sk_test_unused").webhooks;
const paddle = new Paddle("unused").webhooks;
const mux = new Mux({ tokenId: "unused", tokenSecret: "unused" }).webhooks;

/** Standard Webhooks under either family of names; each secret signs. */
const family = (Webhook, name) => ({
  sign: ({ text, secrets, id, time }) => ({
    [`${name}-id`]: id,
    [`${name}-timestamp`]: `${time}`,
    [`${name}-signature`]: secrets.map((of) => new Webhook(of).sign(id, new Date(time * 1000), text)).join(" "),
  }),
  // Throws if it does not match.
  verify: ({ text, secret, headers }) => (new Webhook(secret).verify(text, headers), true),
});

const form = (text) => {
  const values = {};
  for (const [name, value] of new URLSearchParams(text)) (values[name] ??= []).push(value);
  return values;
};

const providers = {
  standardwebhooks: family(standard.Webhook, "webhook"),
  svix: family(svix.Webhook, "svix"),
  github: {
    sign: async ({ text, secret }) => ({ "x-hub-signature-256": await octokit.sign(secret, text) }),
    verify: ({ text, secret, headers }) => octokit.verify(secret, text, headers["x-hub-signature-256"]),
  },
  stripe: {
    sign: ({ text, secret, time }) => ({
      "stripe-signature": stripe.generateTestHeaderString({ payload: text, secret, timestamp: time }),
    }),
    verify: ({ text, secret, headers }) => stripe.constructEvent(text, headers["stripe-signature"], secret) !== null,
  },
  sanity: {
    sign: async ({ text, secret, time }) => ({
      "sanity-webhook-signature": await sanity.encodeSignatureHeader(text, time * 1000, secret),
    }),
    verify: ({ text, secret, headers }) => sanity.isValidSignature(text, headers["sanity-webhook-signature"], secret),
  },
  workos: {
    sign: async ({ text, secret, time }) => ({
      "workos-signature": `t=${time * 1000}, v1=${await workos.computeSignature(time * 1000, JSON.parse(text), secret)}`,
    }),
    verify: ({ text, secret, headers }) =>
      workos.verifyHeader({ payload: JSON.parse(text), sigHeader: headers["workos-signature"], secret }),
  },
  mux: {
    sign: async ({ text, secret, time }) => ({
      "mux-signature": `t=${time},v1=${await mux.computeSignature(`${time}.${text}`, secret)}`,
    }),
    verify: async ({ text, secret, headers }) => (await mux.verifySignature(text, headers, secret), true),
  },
  paddle: {
    verify: ({ text, secret, headers }) => paddle.isSignatureValid(text, secret, headers["paddle-signature"]),
  },
  pusher: {
    sign: ({ bytes, secret }) => ({
      "x-pusher-key": "app",
      "x-pusher-signature": new PusherToken("app", secret).sign(bytes),
    }),
    verify: ({ text, secret, headers }) =>
      new Pusher({ appId: "1", key: "app", secret, cluster: "eu" })
        .webhook({ headers: { ...headers, "content-type": "application/json" }, rawBody: text })
        .isValid(),
  },
  razorpay: {
    verify: ({ text, secret, headers }) =>
      razorpay.validateWebhookSignature(text, headers["x-razorpay-signature"], secret),
  },
  coinbase_commerce: {
    sign: ({ text, secret }) => ({ "x-cc-webhook-signature": coinbase.Webhook.computeSignature(text, secret) }),
    verify: ({ text, secret, headers }) =>
      coinbase.Webhook.verifySigHeader(text, headers["x-cc-webhook-signature"], secret),
  },
  line: {
    verify: ({ bytes, secret, headers }) => line.validateSignature(bytes, secret, headers["x-line-signature"]),
  },
  notion: {
    sign: async ({ bytes, secret }) => ({
      "x-notion-signature": await notion.signWebhookPayload({ body: bytes, verificationToken: secret }),
    }),
    verify: ({ bytes, secret, headers }) =>
      notion.verifyWebhookSignature({ body: bytes, signature: headers["x-notion-signature"], verificationToken: secret }),
  },
  linear: {
    verify: ({ bytes, secret, headers }) =>
      new linear.LinearWebhookClient(secret).verify(bytes, headers["linear-signature"]),
  },
  twilio: {
    sign: ({ text, secret, url }) => ({
      "x-twilio-signature": twilio.getExpectedTwilioSignature(secret, url, form(text)),
    }),
    verify: ({ text, secret, url, headers }) =>
      twilio.validateRequest(secret, headers["x-twilio-signature"], url, form(text)),
  },
};

answerLines(async ({ verb, provider, body, secrets, ...rest }) => {
  const bytes = Buffer.from(body, "base64");
  const question = { ...rest, bytes, text: bytes.toString(), secrets, secret: secrets[0] };
  const sdk = providers[provider];
  if (verb === "sign") return { headers: (await sdk.sign?.(question)) ?? null };
  return { valid: await sdk.verify(question) };
});
