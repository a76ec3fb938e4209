"""Signs requests with `http-message-signatures` from PyPI.

    rfc9421_sign.py KEY_ID KEY_BASE64 < requests.jsonl > signed.jsonl
"""

import secrets
import sys

from http_message_signatures import HTTPMessageSigner, algorithms
from rfc9421_peer import OneKey, each

signer = HTTPMessageSigner(
    signature_algorithm=algorithms.HMAC_SHA256, key_resolver=OneKey(*sys.argv[1:])
)


def sign(request):
    signer.sign(
        request,
        key_id=request.key_id,
        nonce=secrets.token_urlsafe(24),
        covered_component_ids=["@method", "@authority", "@path", "@query"],
        body=request.body or None,
    )
    return {"url": request.url, "headers": list(request.headers.items())}


each(sign)
