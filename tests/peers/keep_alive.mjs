// Node's HTTP client with its default agent, which reuses connections. After each rejected upload
// it sends a correctly signed request. Each of those must be answered with 200.
//
//     node keep_alive.mjs PORT ROUNDS
import http from 'node:http';
import { createHmac } from 'node:crypto';

const [port, rounds] = process.argv.slice(2).map(Number);

function signature(body) {
  const tag = createHmac('sha256', 'akey').update(body).digest('base64');
  return Buffer.from(`aservice:${tag}`).toString('base64');
}

/// Sends one request, and returns the status or the error code.
function send(body, headers) {
  return new Promise((resolve) => {
    const length = { 'content-length': body.length };
    const request = http.request(
      { port, path: '/', method: 'POST', headers: { ...headers, ...length } },
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
const upload = Buffer.alloc(50_000, 'x');
const next = Buffer.from('{}');
for (let round = 0; round < rounds; round += 1) {
  const headers = [{}, { signature: '?' }, { signature: signature('another body') }][round % 3];
  const rejected = await send(upload, headers);
  const answer = await send(next, { signature: signature(next) });
  for (const what of [`rejected ${rejected}`, `signed ${answer}`]) {
    counts[what] = (counts[what] ?? 0) + 1;
  }
}
console.log(`node, default agent: ${JSON.stringify(counts)}`);
process.exit(counts['signed 200'] === rounds ? 0 : 1);
