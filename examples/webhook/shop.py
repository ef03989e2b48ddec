"""A shop that tells of an order: `shop.py URL ID NUMBER ITEM…`, signed as standardwebhooks.com says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path


def main(url: str, id: str, number: str, *items: str) -> None:
    body = json.dumps({"number": int(number), "items": items}).encode()
    stamp = str(int(time.time()))
    secret = base64.b64decode(Path("shop.secret").read_text().strip().removeprefix("whsec_"))
    signed = f"{id}.{stamp}.".encode() + body
    signature = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    headers = {
        "Content-Type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{signature}",
    }
    try:
        request = urllib.request.Request(f"{url}/hooks/orders", body, headers)  # noqa: S310 -- our own address
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            print(answer.status, json.load(answer)["outcome"])
    except urllib.error.HTTPError as refused:
        print(refused.code, json.load(refused)["detail"])


if __name__ == "__main__":
    main(*sys.argv[1:])
