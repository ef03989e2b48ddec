#!/usr/bin/env bash
# Files arrive before and after the daemon was killed: each is taken once.
set -euo pipefail

arrived() {  # as many items as that have been dealt with
    until [ "$(runner jobs items take-orders -o json | grep -Ec '"state": "(DONE|FAILED)"')" = "$1" ]; do sleep 0.2; done
}

mkdir -p incoming
runner apply --create --auto-approve > /dev/null
runner up > up.log 2>&1 &
up=$!
trap 'kill $up 2> /dev/null; wait' EXIT

printf '1,apple\n2,pear\n' > incoming/monday.csv
printf '' > incoming/empty.csv
arrived 2

daemon=$(python3 -c '
import sqlite3
print(*sqlite3.connect(".runner/runner.db").execute("SELECT pid FROM sessions ORDER BY id DESC LIMIT 1").fetchone())
')
kill -9 "$daemon"
wait $up 2> /dev/null || true
while kill -0 "$daemon" 2> /dev/null; do sleep 0.1; done
printf '3,plum\n' > incoming/tuesday.csv
runner up >> up.log 2>&1 &
up=$!
arrived 3

find incoming -type f | sort
runner jobs items take-orders -o json | python3 -c '
import json, sys
for item in sorted(json.load(sys.stdin), key=lambda item: item["source"]):
    print(item["source"], item["state"])
'
