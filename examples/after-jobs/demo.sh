#!/usr/bin/env bash
# Two loads by hand; the report follows when both have succeeded, and each of them counts once.
set -euo pipefail

runner apply --create --auto-approve > /dev/null
runner up > up.log 2>&1 &
up=$!
trap 'kill $up 2> /dev/null; wait' EXIT
until grep -q ' next ' up.log; do sleep 0.1; done

runner jobs trigger load-sales --wait --timeout 60s > /dev/null
runner jobs trigger load-sales --wait --timeout 60s > /dev/null
echo "reports so far: $(runner instances list --job report -o name | grep -c . || true)"
runner jobs trigger load-stock --wait --timeout 60s > /dev/null
until runner instances list --job report --state SUCCEEDED -o name | grep -q .; do sleep 0.2; done

id=$(runner instances list --job report -o name)
runner instances show "$id" | grep -E '^(job|origin|inputs|outputs)'
echo "reports: $(runner instances list --job report -o name | grep -c .)"
