"""The signature base that `http-message-signatures` from PyPI makes when it verifies.

    rfc9421_base.py KEY_ID KEY_BASE64 < requests.jsonl > bases.jsonl

Each request has an `input`: a member of `Signature-Input`, as it was sent.
"""

import sys

from http_message_signatures import HTTPMessageVerifier, algorithms
from rfc9421_peer import OneKey, each


class Lines:
    """Header fields that may come in several lines."""

    def __init__(self, lines):
        self.lines = lines

    def items(self):
        return [tuple(line) for line in self.lines]


verifier = HTTPMessageVerifier(
    signature_algorithm=algorithms.HMAC_SHA256, key_resolver=OneKey(*sys.argv[1:])
)


def base(request):
    # Its own two steps of verifying, since it tells nobody the base of a signature that is wrong.
    node = verifier._parse_signature_dictionary("sig=" + request.line["input"])["sig"]
    request.headers = Lines(request.line["headers"])
    text, _, _ = verifier._build_signature_base(
        request, covered_component_ids=list(node), signature_params=dict(node.params)
    )
    return {"base": text}


each(base)
