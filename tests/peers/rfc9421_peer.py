"""What the two Python peers share: requests as JSON lines, and the key."""

import base64
import json
import sys

from http_message_signatures import HTTPSignatureKeyResolver


class Request:
    """A request as `http-message-signatures` takes it."""

    def __init__(self, line):
        self.line = line
        self.method = line["method"]
        self.url = line["url"]
        self.headers = {name: value for name, value in line["headers"]}
        self.body = base64.b64decode(line.get("body_base64", ""))
        self.key_id = line.get("key_id")


class OneKey(HTTPSignatureKeyResolver):
    """The key whose id and base64 stand on the command line."""

    def __init__(self, key_id, key):
        self.key_id, self.key = key_id, base64.b64decode(key)

    def resolve_private_key(self, key_id):
        if key_id != self.key_id:
            raise KeyError(key_id)
        return self.key

    resolve_public_key = resolve_private_key


def each(answer):
    """Answers each line of standard input with one line."""
    for line in sys.stdin:
        try:
            reply = answer(Request(json.loads(line)))
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), flush=True)
