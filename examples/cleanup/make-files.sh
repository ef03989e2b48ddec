#!/bin/sh
# Files of different ages to clean up.
set -eu
cd "$(dirname "$0")/drop"
for day in 01 02 03 04 05; do
  echo "report of $day" > "report-$day.csv"
  touch -d "2026-11-$day 12:00" "report-$day.csv"
done
echo new > today.tmp
echo old > yesterday.tmp
touch -d "2026-11-01 12:00" yesterday.tmp
