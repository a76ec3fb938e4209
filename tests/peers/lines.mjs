// Shared by the Node programs: one question per line, one answer per line.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

// `scripts/peers` installs outside of the source tree.
export const require = createRequire(new URL("../../target/peers/", import.meta.url));

export async function answerLines(answer) {
  for await (const line of createInterface({ input: process.stdin })) {
    let answered;
    try {
      answered = await answer(JSON.parse(line));
    } catch (error) {
      answered = { error: `${error}` };
    }
    console.log(JSON.stringify(answered));
  }
}
