#!/usr/bin/env bash
# A shop tells of its orders: one is sent twice, one has nothing in it.
set -euo pipefail

umask 077
echo "whsec_$(head -c 32 /dev/urandom | base64)" > shop.secret
runner apply --create --auto-approve > /dev/null
runner up > up.log 2>&1 &
up=$!
trap 'kill $up 2> /dev/null; wait' EXIT
until listener=$(grep -o 'http://127.0.0.1:[0-9]*' up.log); do sleep 0.1; done

python3 shop.py "$listener" order-17 17 apple pear
python3 shop.py "$listener" order-17 17 apple pear   # as after a timeout
python3 shop.py "$listener" order-18 18

until runner instances list -o json | grep -q '"state": "SUCCEEDED"'; do sleep 0.2; done
runner instances list -o json | python3 -c '
import json, sys
for run in json.load(sys.stdin):
    print(run["origin"], run["slot"], run["state"])
'
runner instances show 1 | grep -E '^(origin|outputs)'
