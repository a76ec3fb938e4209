// Runs the vectors of the module under node: `node run.mjs FOLDER`.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const module = createRequire(import.meta.url)(resolve(process.argv[2], 'vectors.js'));

const macs = module.macs();
const webhooks = module.webhooks();
assert.ok(macs >= 40 && webhooks >= 24, `${macs} and ${webhooks}`);
module.message_signature();
module.signed_now_is_accepted_once();
assert.ok(Math.abs(module.now() - Date.now() / 1000) < 2);

const key = 'seldom-otter-quill';
const expected = createHmac('sha256', key).update('a body ü').digest('base64');
assert.equal(module.flask_signature(key, 'a body ü'), expected);

console.log(`${macs} MACs, ${webhooks} webhooks, RFC 9421 B.2.5, time and nonces: as published`);
