"""A session of `requests`, which keeps its connection: after each rejected upload it sends a rightly
signed request. All of those must be answered 200.

    python keep_alive.py PORT ROUNDS
"""
import base64
import collections
import hashlib
import hmac
import sys

import requests

URL = f"http://127.0.0.1:{sys.argv[1]}/"
ROUNDS = int(sys.argv[2])


def signature(body):
    tag = base64.b64encode(hmac.new(b"akey", body, hashlib.sha256).digest())
    return base64.b64encode(b"aservice:" + tag).decode()


def send(session, body, headers):
    """The status of the answer, or the name of the error."""
    try:
        return session.post(URL, data=body, headers=headers).status_code
    except requests.RequestException as error:
        return type(error).__name__


counts = collections.Counter()
with requests.Session() as session:
    session.trust_env = False
    for number in range(ROUNDS):
        upload = b"x" * (1_000 if number % 2 else 50_000)
        headers = [{}, {"Signature": "?"}, {"Signature": signature(b"another body")}][number % 3]
        counts[f"rejected {send(session, upload, headers)}"] += 1
        counts[f"signed {send(session, b'{}', {'Signature': signature(b'{}')})}"] += 1
print(f"requests.Session: {dict(counts)}")
sys.exit(0 if counts["signed 200"] == ROUNDS else 1)
