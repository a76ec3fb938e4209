// Sends the request to the page's own server, and shows the report. Stores nothing.
"use strict";

const $ = (id) => document.getElementById(id);
const form = $("question");
const fields = ["capture", "format", "key"];
let asked = 0;
let timer = 0;
let report = null;

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function complain(field, message) {
  for (const id of fields) {
    $(`${id}-error`).textContent = id === field ? message : "";
    $(id).setAttribute("aria-invalid", String(id === field));
  }
}

async function ask() {
  clearTimeout(timer);
  const missing = fields.find((id) => $(id).value === "");
  if (missing) {
    complain(null);
    $("answer").hidden = true;
    return missing;
  }
  const number = ++asked;
  const body = JSON.stringify({
    capture: $("capture").value,
    format: $("format").value,
    key: $("key").value,
    key_encoding: $("encoding").value,
    key_id: $("key-id").value,
    no_clock: $("clock").value === "request",
  });
  let response;
  let answer;
  try {
    response = await fetch(form.dataset.action, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    answer = await response.json();
  } catch {
    answer = { field: "capture", message: "The server did not answer. Is it still running?" };
  }
  // The user has sent another request in the meantime.
  if (number !== asked) return null;
  if (!response || !response.ok) {
    complain(answer.field, answer.message);
    $("answer").hidden = true;
    return answer.field;
  }
  complain(null);
  show(answer);
  return null;
}

function show(answer) {
  report = answer;
  const isAccepted = answer.outcome === "accepted";
  const verdict = $("verdict");
  verdict.className = isAccepted ? "good" : "bad";
  const title = isAccepted ? "Accepted" : `Rejected: ${answer.outcome}, at step ${answer.step}`;
  const id = answer.key_id ? `key ID ${answer.key_id}` : "no key ID";
  const detail = answer.error ?? `The signature is right: ${answer.scheme}, ${id}.`;
  verdict.replaceChildren(title, element("span", detail));
  $("notes").replaceChildren(...answer.notes.map((note) => element("li", note)));

  const causes = answer.causes.map(({ cause, change }) => {
    const told = element("div", undefined, "cause");
    const line = element("p");
    const name = element("strong");
    // Text between backticks is code.
    name.append("Likely: ", ...cause.split("`").map((text, place) => place % 2 ? element("code", text) : text));
    line.append(name, change);
    told.append(line);
    return told;
  });
  if (!isAccepted && causes.length === 0) {
    causes.push(element("p", "No likely cause found. Compare the client's signed text with this one.", "hint"));
  }
  $("causes").replaceChildren(...causes);
  showText();
  showHead(answer.head);
  $("copied").textContent = "";
  $("answer").hidden = false;
}

const source = (part) => part.name || "scheme";

// One colour for each source. Fixed text is grey.
function colours(parts) {
  const colours = new Map([["literal", "p1"]]);
  const others = ["p0", "p2", "p3", "p4", "p5", "p6"];
  for (const part of parts) {
    if (!colours.has(source(part))) {
      colours.set(source(part), others[(colours.size - 1) % others.length]);
    }
  }
  return colours;
}

function showText() {
  const parts = report.parts;
  const isHex = $("hex").checked;
  const of = colours(parts);
  const names = [...new Set(parts.map(source))];
  $("legend").replaceChildren(...names.map((name) => {
    const len = parts.filter((part) => source(part) === name)
      .reduce((sum, part) => sum + part.end - part.start, 0);
    return element("li", `${name} ${len} B`, of.get(name));
  }));
  $("text").replaceChildren(...parts.flatMap((part) => {
    const span = element("span", undefined, of.get(source(part)));
    span.title = `${source(part)}, bytes ${part.start} to ${part.end - 1}`;
    if (isHex) {
      span.textContent = part.hex.replace(/../g, "$& ");
    } else {
      span.append(...shown(part.hex));
    }
    return part.left_out ? [span, element("i", ` … ${part.left_out} more bytes `)] : [span];
  }));
  $("text").hidden = parts.length === 0;
  $("no-text").hidden = parts.length !== 0;
}

const ESCAPES = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0" };

// Escapes control characters, and bytes that are not text as \xNN.
function shown(hex) {
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (digits) => parseInt(digits, 16));
  const nodes = [];
  let text = "";
  let at = 0;
  const mark = (label) => {
    if (text) nodes.push(text);
    text = "";
    nodes.push(element("i", label));
  };
  while (at < bytes.length) {
    const byte = bytes[at];
    const len = byte < 0x80 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    let character = null;
    try {
      character = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.slice(at, at + len));
    } catch {
      mark(`\\x${byte.toString(16).padStart(2, "0")}`);
      at += 1;
      continue;
    }
    const code = character.codePointAt(0);
    if (code < 0x20) {
      mark(ESCAPES[character] ?? `\\x${code.toString(16).padStart(2, "0")}`);
      if (code === 0x0a) text += "\n";
    } else if (code === 0x7f || /[\p{Cc}\p{Cf}\u2028\u2029]/u.test(character)) {
      mark(`\\u{${code.toString(16)}}`);
    } else {
      text += character;
    }
    at += len;
  }
  if (text) nodes.push(text);
  return nodes;
}

function showHead(head) {
  const line = (name, value) => {
    const line = element("p");
    line.append(element("b", name), value);
    return line;
  };
  const lines = [line(`${head.method} `, head.target)];
  lines.push(...head.headers.map(([name, value]) => line(`${name}: `, value)));
  lines.push(line("body: ", `${head.body_len} bytes`));
  $("head").replaceChildren(...lines);
}

async function copy() {
  const text = JSON.stringify(report.vector, null, 2);
  try {
    await navigator.clipboard.writeText(text);
    $("copied").textContent = "Copied, without the key.";
  } catch {
    $("copied").textContent = "The browser does not allow copying.";
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = await ask();
  if (field) $(field).focus();
});
form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(ask, 250);
});
// Ctrl+Enter submits from within the request.
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
$("hex").addEventListener("change", showText);
$("copy").addEventListener("click", copy);
