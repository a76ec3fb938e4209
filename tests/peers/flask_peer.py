"""Flask-HMAC itself, as a client and as a server, for the interop test.

    python flask_peer.py sign    reads {"config", "digest", "name", "body_base64"} a line, writes the
                                 header's value a line
    python flask_peer.py serve   reads one such line, serves an application with that configuration
                                 and prints its port
"""
import base64
import hashlib
import json
import logging
import sys

from flask import Flask, request
from flask_hmac import Hmac
from werkzeug.serving import make_server


def application(line):
    app = Flask("peer")
    app.config.update(line["config"])
    return app, Hmac(app, digestmod=getattr(hashlib, line["digest"]))


def sign():
    for text in sys.stdin:
        line = json.loads(text)
        _, hmac = application(line)
        body = base64.b64decode(line["body_base64"])
        name = line.get("name")
        token = hmac.make_hmac(body) if name is None else hmac.make_hmac_for(name, body)
        print(token.decode("ascii"), flush=True)


def serve():
    app, hmac = application(json.loads(sys.stdin.readline()))
    logging.getLogger("werkzeug").setLevel(logging.ERROR)

    @app.route("/", methods=["GET", "POST"])
    @hmac.auth()
    def view():
        return str(len(request.data))

    @app.route("/only", methods=["GET", "POST"])
    @hmac.auth(only=["aservice"])
    def only():
        return str(len(request.data))

    server = make_server("127.0.0.1", 0, app)
    print(server.port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    {"sign": sign, "serve": serve}[sys.argv[1]]()
