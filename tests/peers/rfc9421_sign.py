"""Signs requests with `http-message-signatures` from PyPI, by the code of docs/which-format.md.

    rfc9421_sign.py KEY_ID KEY_BASE64 < requests.jsonl > signed.jsonl
"""

import pathlib
import secrets
import sys

from http_message_signatures import HTTPMessageSigner, algorithms
from rfc9421_peer import OneKey, each

page = pathlib.Path(__file__).parents[2] / "docs/which-format.md"
block = page.read_text().split("\n```python\n")[1].split("\n```")[0]
assert '"billing"' in block
program = compile(block.replace('"billing"', "request.key_id"), str(page), "exec")
names = {
    "HTTPMessageSigner": HTTPMessageSigner,
    "algorithms": algorithms,
    "keys": OneKey(*sys.argv[1:]),
    "secrets": secrets,
}


def sign(request):
    exec(program, names | {"request": request})
    return {"url": request.url, "headers": list(request.headers.items())}


each(sign)
