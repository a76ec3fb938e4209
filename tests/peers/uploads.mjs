// Large uploads that are rejected, by both HTTP clients of Node, each on its own connection. All of
// them must see the response.
//
//     node uploads.mjs PORT BYTES ROUNDS unsigned|signed EXPECTED
import http from 'node:http';
import { createHmac } from 'node:crypto';

const [port, bytes, rounds] = process.argv.slice(2, 5).map(Number);
const [kind, expected] = process.argv.slice(5);

const body = Buffer.alloc(bytes, 'x');
const headers = {};
if (kind === 'signed') {
  const tag = createHmac('sha256', 'akey').update(body).digest('base64');
  headers.signature = Buffer.from(`aservice:${tag}`).toString('base64');
}

async function byFetch() {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body, headers });
    await response.text();
    return response.status;
  } catch (error) {
    return error.cause?.code ?? error.message;
  }
}

function byRequest() {
  return new Promise((resolve) => {
    const length = { 'content-length': body.length };
    const request = http.request(
      { port, path: '/', method: 'POST', agent: false, headers: { ...headers, ...length } },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode));
        response.on('error', (error) => resolve(error.code));
      },
    );
    request.on('error', (error) => resolve(error.code));
    request.end(body);
  });
}

const counts = {};
for (let round = 0; round < rounds; round += 1) {
  for (const [client, send] of [['fetch', byFetch], ['http', byRequest]]) {
    const what = `${client} ${await send()}`;
    counts[what] = (counts[what] ?? 0) + 1;
  }
}
console.log(`${bytes} bytes, ${kind}: ${JSON.stringify(counts)}`);
const seen = (client) => counts[`${client} ${expected}`] === rounds;
process.exit(seen('fetch') && seen('http') ? 0 : 1);
