"""A billing system, as small as it can be: it is called for invoices, and asks for payments.

    python3 billing.py PORT     with the token in billing.token and the secret in billing.secret

What matters: the signature and its time are checked before anything is believed, a call that comes twice is
answered twice and done once, the answer comes at once and the work follows, every report carries a number.
"""

import base64
import hashlib
import hmac
import json
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SECRET = Path("billing.secret").read_text().strip().encode()
TOKEN = Path("billing.token").read_text().strip()
LARGEST = 64 * 1024
OLDEST_S = 300
"""A call whose time is further away than this is a recording of an old one."""

seen = set()
door = threading.Lock()


def post(url, body):
    """The status and the answer; no answer is tried again, because a report must not be lost."""
    request = urllib.request.Request(  # noqa: S310 -- the address is our own
        url,
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"},
    )
    for pause in (0.2, 1, 5, 30):
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as problem:
            if problem.code < 500:
                return problem.code, json.loads(problem.read() or b"null")
        except OSError:
            pass
        time.sleep(pause)
    return 0, None


def work(task):
    """Make the invoices, and tell how it goes; end when the runner says so."""
    numbers = iter(range(1, 1000))

    def report(event, **more):
        message = {"token": task["report"]["token"], "event": event, "number": next(numbers), **more}
        status, answer = post(task["report"]["url"], message)
        print(f"billing: {event} -> {status} {answer and answer.get('state')}", flush=True)
        if status == 409 or (answer or {}).get("stop"):
            raise SystemExit  # a later attempt has begun, or somebody wants this one to end

    report("started")
    report("step", step="collect", state="started")
    report("progress", done=1, total=2, text=f"invoices of {task['inputs'].get('day', 'today')}")
    report("step", step="collect", state="completed", outputs={"invoices": 42})
    report("finished", outputs={"invoices": 42})


class Called(BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(length, LARGEST))
        if not self.is_genuine(body):
            return self.answer(401)
        with door:
            is_new = self.headers["Webhook-Id"] not in seen
            seen.add(self.headers["Webhook-Id"])
        if is_new:
            threading.Thread(target=work, args=(json.loads(body),), daemon=True).start()
        self.answer(202)

    def is_genuine(self, body):
        id, at = self.headers.get("Webhook-Id", ""), self.headers.get("Webhook-Timestamp", "")
        if not at.isdecimal() or abs(time.time() - int(at)) > OLDEST_S:
            return False
        code = hmac.new(SECRET, f"{id}.{at}.".encode() + body, hashlib.sha256).digest()
        expected = f"v1,{base64.b64encode(code).decode()}"
        given = self.headers.get("Webhook-Signature", "").split()
        return any(hmac.compare_digest(expected, each) for each in given)

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def ask(listener, job):
    """Is it time? What is claimed is ours to do, and to report on."""
    status, task = post(f"{listener}/api/v1/external/claims", {"job": job})
    print(f"billing: asked for {job} -> {status}", flush=True)
    if status == 200:
        work(task)


if __name__ == "__main__":
    if sys.argv[1] == "ask":
        ask(sys.argv[2], sys.argv[3])
    else:
        ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Called).serve_forever()
