"""Calls a service with boto3, and says for each call what came of it.

    sigv4_boto.py ENDPOINT KEY_ID SECRET > answers.jsonl
"""

import json
import sys
import urllib.error
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, key_id, secret = sys.argv[1:]
session = boto3.Session(key_id, secret, region_name="us-east-1")
once = {"retries": {"total_max_attempts": 1}}


def client(service, **config):
    return session.client(service, endpoint_url=endpoint, config=Config(**once, **config))


def say(name, call):
    try:
        call()
        answer = "accepted"
    except ClientError as error:
        answer = error.response["Error"]["Code"]
    except urllib.error.HTTPError as error:
        answer = error.code
    print(json.dumps({"call": name, "answer": answer}), flush=True)


s3 = client("s3", request_checksum_calculation="when_required")
put = dict(Bucket="bucket", Key="a b/café+$&=@,;:'()*!~-._/ሴ//x", Body=b"\x00\xff body")
say("put", lambda: s3.put_object(**put))
say("put with metadata", lambda: s3.put_object(**put, Metadata={"note": "two  spaces"}))
say("put of nothing", lambda: s3.put_object(Bucket="bucket", Key="empty", Body=b""))
say("head", lambda: s3.head_object(Bucket="bucket", Key="a//b/../c"))
say("get a range", lambda: s3.get_object(Bucket="bucket", Key="key", Range="bytes=0-9"))
say("delete", lambda: s3.delete_object(Bucket="bucket", Key="a%2Fb"))
say("list", lambda: s3.list_objects_v2(Bucket="bucket", Prefix="é &=+/", Delimiter="/", MaxKeys=2))
say("checksum", lambda: client("s3").put_object(**put))

dynamodb = client("dynamodb")
say("json", lambda: dynamodb.list_tables(Limit=3))

# Its own default for links is Signature Version 2.
s3v4 = client("s3", signature_version="s3v4")
for verb in ("get_object", "head_object"):
    url = s3v4.generate_presigned_url(verb, Params={"Bucket": "bucket", "Key": put["Key"]})
    request = urllib.request.Request(url, method=verb.split("_")[0].upper())
    say(f"link for {verb}", lambda: urllib.request.urlopen(request).read())

wrong = boto3.Session(key_id, "another secret", region_name="us-east-1")
wrong = wrong.client("s3", endpoint_url=endpoint, config=Config(**once))
say("another secret", lambda: wrong.get_object(Bucket="bucket", Key="key"))
unknown = boto3.Session("AKIDNOBODY", secret, region_name="us-east-1")
unknown = unknown.client("dynamodb", endpoint_url=endpoint, config=Config(**once))
say("another key ID", lambda: unknown.list_tables())
