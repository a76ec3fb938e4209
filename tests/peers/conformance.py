"""Drives the conformance program over sockets and pipes, by the published vectors.

    conformance.py PROGRAM [VECTORS]

Python's standard library alone: what it sends and expects owes nothing to the crate. It prints
what went wrong, and ends with status 1 if anything did.
"""

import base64
import contextlib
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
from urllib.parse import quote, urlsplit

PROGRAM = sys.argv[1]
VECTORS = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else pathlib.Path(__file__).parent.parent / "vectors")
decoded = base64.b64decode


class Report:
    def __init__(self):
        self.tried, self.wrong = 0, []

    def expect(self, name, got, wanted):
        self.tried += 1
        if got != wanted:
            self.wrong.append(f"{name}: wanted {wanted}, got {got}")


class Refused(Exception):
    """A configuration was refused: status 2, a reason, nothing on standard output."""


@contextlib.contextmanager
def config_file(config):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(config, file)
        file.flush()
        yield file.name


def lines(verb, config, requests):
    """The answers of `sign` or `explain`, one for each request."""
    text = "".join(json.dumps(request) + "\n" for request in requests)
    with config_file(config) as path:
        done = subprocess.run([PROGRAM, verb, path], input=text, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise Refused(done.returncode, done.stdout, done.stderr)
    answers = [json.loads(line) for line in done.stdout.split("\n") if line]
    assert len(answers) == len(requests), (len(answers), done.stderr)
    return answers


@contextlib.contextmanager
def serving(config):
    """The address of a server with this configuration."""
    with config_file(config) as path:
        server = subprocess.Popen([PROGRAM, "serve", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            first = server.stdout.readline()
            if not first:
                raise Refused(server.wait(), "", server.stderr.read())
            host, port = first.removeprefix("listening on ").strip().rsplit(":", 1)
            yield host, int(port)
        finally:
            server.kill()
            server.wait()
            server.stdout.close()
            server.stderr.close()


def send(address, request, hang_up=False):
    """Sends bytes as they are; the status of the answer and its body."""
    with socket.create_connection(address, timeout=20) as stream:
        stream.sendall(request)
        if hang_up:
            stream.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := stream.recv(65536):
                answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split(b" ")[1]) if head else 0
    return status, body


def post(address, target, headers, body, method="POST"):
    names = {name.lower() for name, _ in headers}
    headers = list(headers) + [("Connection", "close")]
    if "host" not in names:
        headers.insert(0, ("Host", "localhost"))
    if "content-length" not in names:
        headers.append(("Content-Length", str(len(body))))
    head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers)
    return send(address, head.encode() + b"\r\n" + body)


def verdict(status):
    return {2: "accept", 4: "reject"}.get(status // 100, str(status))


def served(config, target, headers, body, method="POST"):
    """What a server of its own says to one request: a verdict and what the handler told."""
    with serving(config) as address:
        status, answer = post(address, target, headers, body, method)
    return verdict(status), json.loads(answer) if status == 200 else {}


def vectors(name):
    return json.loads((VECTORS / name).read_text())


def line(method, url, headers, body, **more):
    return {"method": method, "url": url, "headers": headers, "body_base64": base64.b64encode(body).decode(), **more}


# --- one function a file of vectors


def flask_hmac(report):
    data = vectors("flask_hmac_decisions.json")
    for name, config in data["configs"].items():
        cases = [case for case in data["cases"] if case["config"] == name]
        try:
            with serving(config) as address:
                for case in cases:
                    hang_up = case["id"] == "single-short-body"
                    got = verdict(send(address, decoded(case["request_base64"]), hang_up)[0])
                    passes = case["want"] == "pass" and got in ("accept", "reject")
                    # A body that breaks off leaves nobody to answer.
                    passes |= hang_up and got == "0"
                    report.expect(case["id"], case["want"] if passes else got, case["want"])
        except Refused as refused:
            status, out, reason = refused.args
            for case in cases:
                got = "config-error" if status == 2 and not out and reason else f"status {status}"
                report.expect(case["id"], got, case["want"])


def standard_webhooks(report):
    data = vectors("standard_webhooks.json")
    for case in data["tests"]:
        headers = {name.lower(): value for name, value in case["headers"]}
        family = "svix" if "svix-id" in headers else "standard-webhooks"
        start = "svix" if family == "svix" else "webhook"
        secret = case["secret"]
        key = {"whsec": secret} if secret.startswith("whsec_") else {"base64": secret}
        config = {"scheme": family, "keys": {"": key}, "now": case["now"]}
        body = decoded(case["body_base64"])
        got, told = served(config, "/hook", case["headers"], body)
        report.expect(case["name"], got, "accept" if case["valid"] else "reject")
        if case["valid"]:
            report.expect(case["name"] + ": message ID", told.get("message_id"), headers[f"{start}-id"])
            # The signature is over the time that was sent, not over the receiver's.
            sent = config | {"now": int(headers[f"{start}-timestamp"])}
            request = line("POST", "/hook", [[f"{start}-id", headers[f"{start}-id"]]], body)
            signed = dict(lines("sign", sent, [request])[0]["headers"])
            report.expect(case["name"] + ": signed", signed[f"{start}-signature"], case["expected_v1"])
    for secret in data["empty_secrets_must_fail_at_construction"] + ["whpk_AAAA", "whsk_AAAA", "AAAA", "whsec_!"]:
        config = {"scheme": "standard-webhooks", "keys": {"": {"whsec": secret}}}
        report.expect(f"secret {secret!r}", refusal("serve", config, secret), 2)


PRESETS = {"hubspot-v3": "hubspot", "shopify-oauth-query": "shopify_oauth"}
# Requests to an API, links, and webhooks without a preset.
NO_PRESET = {"generic-prefixed-hex", "pusher-http", "scalr", "messagebird-legacy", "plivo-v2", "binance", "kraken",
             "discourse-connect", "google-maps-signed-url"}


def webhooks(report):
    for case in vectors("webhook_vectors.json")["vectors"] + vectors("webhook_packages.json")["vectors"]:
        provider = case["provider"]
        # Notifications of Adyen are told by their signed text alone, and so is a query of Shopify's.
        told_by_text = provider == "adyen-payments" and b"notificationItems" not in decoded(case["body_base64"])
        told_by_text |= provider.startswith("shopify-") and "url" not in case
        if provider in NO_PRESET or told_by_text:
            continue
        preset = PRESETS.get(provider, provider.replace("-", "_"))
        encoding = case["key_encoding"]
        key = case["key"] if encoding == "utf8" else {encoding: case["key"]}
        headers, url = case["headers"], urlsplit(case.get("url", "/hook"))
        config = {"scheme": "webhook", "preset": preset, "keys": {"": key}, "now": case.get("now", 1_700_000_000)}
        if preset == "square":
            config["url"] = case["url"]
        if preset in ("twilio", "hubspot"):
            config["public_origin"] = f"{url.scheme}://{url.netloc}"
            # Signed over a port that is not in the URL: the origin has to name it.
            if "default port 443" in case["name"]:
                config["public_origin"] += ":443"
        if preset.startswith("shopify_"):
            config["now"] = int(url.query.split("timestamp=")[1].split("&")[0])
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        got, told = served(config, target, headers, decoded(case["body_base64"]), case["method"])
        name = f"{provider}: {case['name']}"
        report.expect(name, got, "accept" if case["valid"] else "reject")
        if case["valid"]:
            report.expect(name + ": scheme", told.get("scheme"), preset)


def public_cases(report):
    for case in vectors("public_cases.json")["cases"]:
        if "request" not in case:
            continue
        config, request = public_config(case["config"]), case["request"]
        body = decoded(request["body_base64"])
        headers, method = request["headers"], request["method"]
        wanted = case["expect"]["outcome"].split(" ")[0].rstrip(",")
        said = lines("explain", config, [line(method, request["target"], headers, body)])[0]
        report.expect(case["id"], said["outcome"], wanted)
        likely = case["expect"].get("likely", "")
        if likely.startswith("right with"):
            report.expect(case["id"] + ": likely", said["likely"], [likely])
        got, _ = served(config, request["target"], headers, body, method)
        report.expect(case["id"] + ": served", got, "accept" if wanted == "accepted" else "reject")


def public_config(config):
    """A case's configuration in the program's terms."""

    def key(key):
        return key["text"] if "text" in key else key

    def part(part):
        if "timestamp" in part and not isinstance(part, str):
            name, kind = part["timestamp"]
            return {"timestamp": name, "as": kind}
        return part

    keys = {"": key(config["key"])} if "key" in config else {name: key(of) for name, of in config["keys"].items()}
    made = {"keys": keys} | ({"now": config["now"]} if "now" in config else {})
    if config["format"] != "parts":
        made["scheme"] = config["format"]
        for name, theirs in (("label", "label"), ("tag", "tag"), ("components", "require_only")):
            if theirs in config:
                made[name] = config[theirs]
        return made
    given = ("header", "prefix", "encoding", "list_separator", "key_id_header")
    form = {name: config[name] for name in given if config.get(name)}
    if "parts" in config:
        form["parts"] = [part(of) for of in config["parts"]]
    return made | {"scheme": "format", "format": form}


def sigv4(report):
    for case in vectors("aws_sigv4_suite.json")["cases"]:
        context = case["context"]
        keys = {context["credentials"]["access_key_id"]: context["credentials"]["secret_access_key"]}
        config = {"region": context["region"], "service": context["service"], "keys": keys, "now": 1440938160}
        for kind, scheme in (("header", "sigv4"), ("query", "sigv4-presigned")):
            method, target, headers, body = parsed(case[f"{kind}-signed-request"])
            more = {"scheme": scheme, "dangerous": ["normalized_path" if context["normalize"] else "raw_target"]}
            # The suite leaves S3's single encoding of the path on where it does not normalize: of
            # those, the paths without an escape are the same either way. Links are for GET.
            if not context["normalize"] and "%" in quote(target) or scheme == "sigv4-presigned" and method != "GET":
                continue
            got, told = served(config | more, target, headers, body, method)
            report.expect(f"{case['name']}: {kind}", got, "accept")
            report.expect(f"{case['name']}: key ID", told.get("key_id"), next(iter(keys)))


def parsed(text):
    """A request of the suite; it has a space in a target, where HTTP has none."""
    head, _, body = text.partition("\n\n")
    first, *rest = head.split("\n")
    method, _, target = first.removesuffix(" HTTP/1.1").partition(" ")
    headers = [tuple(part.strip() for part in field.split(":", 1)) for field in rest if field]
    return method, target.replace(" ", "%20"), headers, body.encode()


def rfc9421(report):
    data = vectors("rfc9421.json")
    request, secret = data["test_request"], data["shared_secret"]
    method, target, _ = request["start_line"].split(" ")
    case = next(case for case in data["signature_cases"] if case["alg"] == "hmac-sha256")
    config = {"scheme": "rfc9421", "keys": {secret["keyid"]: {"base64": secret["base64"]}}, "now": 1618884473,
              "components": ["date", "@authority", "content-type"], "dangerous": ["unsigned_body"]}
    body = request["body"].encode()
    signature = [("Signature-Input", case["signature_input"]), ("Signature", case["signature"])]
    headers = [tuple(header) for header in request["headers"]]
    got, told = served(config, target, headers + signature, body, method)
    report.expect("B.2.5", (got, told.get("key_id"), sorted(told.get("signed_headers", {}))),
                  ("accept", secret["keyid"], ["content-type", "date"]))
    changed = [(name, value.replace("2021", "2022")) for name, value in headers]
    report.expect("B.2.5, another date", served(config, target, changed + signature, body, method)[0], "reject")
    strict = {name: value for name, value in config.items() if name not in ("components", "dangerous")}
    report.expect("B.2.5, strict", served(strict, target, headers + signature, body, method)[0], "reject")


def fost(report):
    data = vectors("fost.json")
    for case in data["requests"]:
        keys = {case["key"]: case["secret"]}
        config = {"scheme": "fost", "keys": keys, "now": 1303874797}
        target = case["path"] + (f"?{case['query']}" if case["query"] else "")
        got, _ = served(config, target, case["headers"], case["body"].encode(), case["method"])
        report.expect(case["name"], got, case["want"])
        got, _ = served(config | {"dangerous": ["unsigned_query"]}, target, case["headers"], case["body"].encode(), case["method"])
        report.expect(case["name"] + ": unsigned_query", got, "accept")
    for case in data["urls"]:
        config = {"scheme": "fost-url", "keys": {case["key"]: case["secret"]}}
        ours = "&".join(f"{name}={quote(value, safe='')}" for name, value in case["params"].items())
        target = f"{case['path']}?{case['query']}{'&' if case['query'] else ''}{ours}"
        for now, wanted in ((int(case["expires"]) - 10, "accept"), (int(case["expires"]) + 1, "reject")):
            got, _ = served(config | {"now": now}, target, [("Host", case["host"])], b"", "GET")
            report.expect(f"{case['name']} at {now}", got, wanted)


# --- what the configuration promises


def refusal(verb, config, secret):
    """The status of a refused configuration; its reason is told, and the secret is not."""
    try:
        if verb == "serve":
            with serving(config):
                return "it listens"
        lines(verb, config, [])
        return "it answers"
    except Refused as refused:
        status, out, reason = refused.args
        if out or not reason.startswith("conformance: ") or secret and secret in reason:
            return f"{out!r} {reason!r}"
        return status


def refusals(report):
    one = {"keys": {"": "k3y-of-refusals"}}
    hook = one | {"scheme": "webhook"}
    wrong = {
        "unknown member": one | {"scheem": "header"},
        "unknown scheme": one | {"scheme": "hmac"},
        "no keys": {"scheme": "header"},
        "no preset": hook,
        "unknown preset": hook | {"preset": "nobody"},
        "square without url": hook | {"preset": "square"},
        "twilio without origin": hook | {"preset": "twilio"},
        "hubspot with a path alone": hook | {"preset": "hubspot", "public_origin": "/"},
        "no format": one | {"scheme": "format"},
        "unknown member of a format": one | {"scheme": "format", "format": {"preset": "github", "encodign": "hex"}},
        "format with another's member": one | {"scheme": "format", "format": {"preset": "github", "prefix": "v0="}},
        "unknown danger": one | {"scheme": "header", "dangerous": ["everything"]},
        "limit without a guard": one | {"scheme": "header", "replay_key_limit": 3},
        "limit of zero": {"app_config": {"HMAC_KEY": "k3y-of-refusals"}, "replay": "memory", "replay_key_limit": 0},
        "guard without a time": one | {"scheme": "header", "replay": "memory"},
        "derived text unasked": one | {"scheme": "header", "parts": [{"json": "mac"}]},
        "parts that run together": one | {"scheme": "header", "parts": ["path", "body"]},
        "sigv4 without region": one | {"scheme": "sigv4", "service": "s3"},
        "success as a rejection": one | {"scheme": "header", "rejection": 200},
        "app_config and keys": one | {"app_config": {"HMAC_KEY": "k3y-of-refusals"}},
        "negative limit": one | {"scheme": "header", "body_limit": -1},
        "key of two readings": {"scheme": "header", "keys": {"": {"hex": "00", "base64": "AA=="}}},
        "short list": {"scheme": "header", "keys": {"": []}},
    }
    for name, config in wrong.items():
        verbs = ["serve", "explain"] if "guard" in name or "limit" in name or "rejection" in name else ["serve", "sign", "explain"]
        for verb in verbs:
            report.expect(f"{name}: {verb}", refusal(verb, config, "k3y-of-refusals"), 2)


def behaviour(report):
    """Replays, retries, several keys and the paths of the server."""
    keys = {"": [{"whsec": "whsec_" + base64.b64encode(bytes(range(of, of + 24))).decode()} for of in (0, 60)]}
    now = 1_700_000_000
    config = {"scheme": "standard-webhooks", "keys": keys, "now": now}
    body = b'{"type": "user.created"}'
    request = line("POST", "/fail-first", [["webhook-id", "msg_1"], ["content-type", "application/json"]], body)
    both = lines("sign", config | {"sign_all": True}, [request])[0]["headers"]
    newest = lines("sign", config, [request])[0]["headers"]
    count = {name: len(dict(of)["webhook-signature"].split(" ")) for name, of in (("both", both), ("newest", newest))}
    report.expect("sign_all", count, {"both": 2, "newest": 1})
    old = config | {"keys": {"": keys[""][1]}}
    report.expect("a receiver of the old key, both", served(old, "/", both, body)[0], "accept")
    report.expect("a receiver of the old key, newest", served(old, "/", newest, body)[0], "reject")

    with serving(config | {"once": "memory", "once_lease": 30}) as address:
        statuses = [post(address, "/fail-first", both, body)[0] for _ in range(3)]
        report.expect("once: fails, runs, is a duplicate", statuses, [500, 200, 200])
        told = post(address, "/fail-first", both, body)[1]
        report.expect("once: the handler does not run again", b"body_sha256" in told, False)
    with serving(config | {"replay": "memory"}) as address:
        statuses = [post(address, "/", newest, body)[0] for _ in range(2)]
        report.expect("replay", statuses, [200, 403])

    services = {"app_config": {"HMAC_KEYS": {"aservice": "k3y-of-a", "bservice": "k3y-of-b"}}}
    requests = [line("GET", "/", [], b"", key_id=name) for name in ("aservice", "bservice")]
    a, b = (answer["headers"] for answer in lines("sign", services, requests))
    wanted = {"/open": "a b -", "/only-a": "a", "/only-text": "a", "/only-ab": "a b", "/only-empty": "",
              "/only-ghost": "", "/only-text-long": "", "/any/other": "a b"}
    with serving(services) as address:
        for path, wanted in wanted.items():
            callers = {"a": a, "b": b, "-": []}
            got = [name for name, headers in callers.items() if post(address, path, headers, b"", "GET")[0] == 200]
            report.expect(path, " ".join(got), wanted)

    limited = {"scheme": "header", "header": "X-Sig", "keys": {"": "k3y-of-limits"}, "now": now, "replay": "memory",
               "replay_key_limit": 2, "parts": [{"timestamp": "X-Time"}, {"literal": "."}, "body"]}
    signed = lines("sign", limited, [line("POST", "/", [], bytes([n])) for n in range(3)])
    with serving(limited) as address:
        statuses = [post(address, "/", answer["headers"], bytes([n]))[0] for n, answer in enumerate(signed)]
    report.expect("replay_key_limit", statuses, [200, 200, 503])


def main():
    report = Report()
    for part in (flask_hmac, standard_webhooks, webhooks, public_cases, sigv4, rfc9421, fost, refusals, behaviour):
        before = report.tried
        part(report)
        print(f"{part.__name__}: {report.tried - before} tried")
    print("\n".join(report.wrong) or "all as expected")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
