"""Signs and verifies Standard Webhooks with the package from PyPI.

    webhooks.py < questions.jsonl > answers.jsonl

The questions are those of webhooks.mjs.
"""

import base64
import datetime
import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


def answer(verb, secrets, body, id=None, time=None, headers=None, **_):
    text = base64.b64decode(body).decode()
    if verb == "sign":
        at = datetime.datetime.fromtimestamp(time, datetime.timezone.utc)
        tags = " ".join(Webhook(secret).sign(id, at, text) for secret in secrets)
        return {"headers": {"webhook-id": id, "webhook-timestamp": str(time), "webhook-signature": tags}}
    try:
        Webhook(secrets[0]).verify(text, headers)
    except WebhookVerificationError:
        return {"valid": False}
    return {"valid": True}


for line in sys.stdin:
    print(json.dumps(answer(**json.loads(line))))
