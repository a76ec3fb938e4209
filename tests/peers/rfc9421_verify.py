"""Verifies requests with `http-message-signatures` from PyPI.

    rfc9421_verify.py KEY_ID KEY_BASE64 < signed.jsonl > answers.jsonl
"""

import sys

from http_message_signatures import HTTPMessageVerifier, algorithms
from rfc9421_peer import OneKey, each

verifier = HTTPMessageVerifier(
    signature_algorithm=algorithms.HMAC_SHA256, key_resolver=OneKey(*sys.argv[1:])
)


def verify(request):
    (result,) = verifier.verify(
        request,
        require_components=["@method", "@authority", "@path", "@query"],
        body=request.body,
    )
    return {"covered": list(result.covered_components)}


each(verify)
