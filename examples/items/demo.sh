#!/usr/bin/env bash
# Letters and parcels arrive, the daemon is killed in between, and each counts once.
set -euo pipefail

dealt_with() {
    until [ "$(runner jobs items "$1" -o json | grep -c '"state": "DONE"')" = "$2" ]; do sleep 0.2; done
}

mkdir -p incoming/letters incoming/parcels
for n in 1 2 3 4 5; do
    echo "this letter has six words: $n" > "incoming/letters/$n.txt"
    echo "number $n" > "incoming/parcels/$n.txt"
done
runner apply --create --auto-approve > /dev/null
runner up > up.log 2>&1 &
up=$!
trap 'kill $up 2> /dev/null; wait' EXIT
until runner jobs items letters -o json | grep -q '"state": "DONE"'; do sleep 0.1; done

daemon=$(python3 -c '
import sqlite3
print(*sqlite3.connect(".runner/runner.db").execute("SELECT pid FROM sessions ORDER BY id DESC LIMIT 1").fetchone())
')
kill -9 "$daemon"   # in the midst of it, or just after
wait $up 2> /dev/null || true
while kill -0 "$daemon" 2> /dev/null; do sleep 0.1; done
echo "one more letter of six words" > incoming/letters/6.txt
runner up >> up.log 2>&1 &
up=$!
dealt_with letters 6
dealt_with parcels 5
until ! runner instances list -o json | grep -qE '"state": "(SCHEDULED|RUNNING)"'; do sleep 0.2; done

runner jobs items letters -o json | python3 -c '
import json, sys
paths = [item["data"]["file"]["path"] for item in json.load(sys.stdin)]
print("letters:", len(paths), "each once:", len(set(paths)) == 6)
'
cat .runner/logs/parcels/*.log | grep -o 'parcel number .' | sort -u
