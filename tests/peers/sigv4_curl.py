"""Sends one request with a libcurl of version 8, and prints the status.

    sigv4_curl.py METHOD URL SERVICE KEY_ID SECRET BODY [HEADER ...]
"""

import io
import sys

import pycurl

method, url, service, key_id, secret, body, *headers = sys.argv[1:]
answer = io.BytesIO()
curl = pycurl.Curl()
curl.setopt(pycurl.CUSTOMREQUEST, method)
curl.setopt(pycurl.URL, url)
curl.setopt(pycurl.AWS_SIGV4, f"aws:amz:us-east-1:{service}")
curl.setopt(pycurl.USERPWD, f"{key_id}:{secret}")
curl.setopt(pycurl.HTTPHEADER, headers)
curl.setopt(pycurl.WRITEDATA, answer)
if body:
    curl.setopt(pycurl.POSTFIELDS, body)
curl.perform()
print(curl.getinfo(pycurl.RESPONSE_CODE))
