"""The ledger's application for gunicorn."""

import os
import time
from urllib.parse import parse_qs

EVENT = b"data: still here\n\n"


def events():
    while True:
        yield EVENT
        time.sleep(0.1)


def app(environ, start_response):
    worker = ("X-Worker", str(os.getpid()))
    path = environ["PATH_INFO"]
    if path == "/events":
        start_response("200 OK", [worker, ("Content-Type", "text/event-stream")])
        return events()
    query = parse_qs(environ["QUERY_STRING"])
    number = lambda name: int(query.get(name, ["0"])[0])
    name = path.removeprefix("/n/")
    time.sleep(number("ms") / 1000)
    body = f"{name} {'x' * number('bytes')} {name}".encode()
    start_response("200 OK", [worker, ("Content-Length", str(len(body)))])
    return [body]
