"""Signs requests with botocore, for a service of its own name or for S3.

    sigv4_sign.py SERVICE KEY_ID SECRET headers|query < requests.jsonl > answers.jsonl
"""

import base64
import json
import sys

from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

service, key_id, secret, place = sys.argv[1:]
credentials = Credentials(key_id, secret)

signer = {
    ("s3", "headers"): lambda: auth.S3SigV4Auth(credentials, "s3", "us-east-1"),
    ("s3", "query"): lambda: auth.S3SigV4QueryAuth(credentials, "s3", "us-east-1", expires=60),
}.get((service, place))
if signer is None and place == "headers":
    signer = lambda: auth.SigV4Auth(credentials, service, "us-east-1")
if signer is None:
    signer = lambda: auth.SigV4QueryAuth(credentials, service, "us-east-1", expires=60)

for text in sys.stdin:
    line = json.loads(text)
    request = AWSRequest(line["method"], line["url"], data=base64.b64decode(line["body_base64"]))
    for name, value in line["headers"]:
        request.headers.add_header(name, value)
    signer().add_auth(request)
    print(json.dumps({"url": request.url, "headers": list(request.headers.items())}), flush=True)
