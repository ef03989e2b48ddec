#!/usr/bin/env bash
# The runner and a billing system beside each other, for one run of each of its jobs.
set -euo pipefail

# A free port, so that this runs beside anything else.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
sed -i "s/127.0.0.1:[0-9]*/127.0.0.1:$port/" jobs.d/billing.yaml

umask 077
head -c 32 /dev/urandom | base64 > billing.secret
runner apply --create --auto-approve > /dev/null
runner token create billing --role reporter > billing.token

python3 billing.py "$port" &
billing=$!
runner up > up.log 2>&1 &
up=$!
trap 'kill $billing $up 2> /dev/null; wait' EXIT

# The daemon says where its listener is.
until listener=$(grep -o 'http://127.0.0.1:[0-9]*' up.log); do sleep 0.1; done

# It is time for the invoices: their system is called, and reports.
runner jobs trigger invoices -p day=2026-11-20 --wait --timeout 60s

# It is time for the payments: nothing happens until their system asks.
runner jobs trigger payments
until python3 billing.py ask "$listener" payments | tee payments.log && grep -q finished payments.log; do sleep 0.2; done

runner instances list -o json | python3 -c '
import json, sys
for run in reversed(json.load(sys.stdin)):
    step = run["tasks"][0]["steps"][0]
    print(run["job"], run["state"], step["name"], step["state"])
'
