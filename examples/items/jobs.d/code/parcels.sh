#!/bin/sh
# Each line of $RUNNER_ITEMS is a parcel, as JSON; what is in $RUNNER_ITEMS_DONE never comes again.
set -e
while read -r parcel; do
    id=$(echo "$parcel" | sed 's/^{"id": \([0-9]*\),.*/\1/')
    file=$(echo "$parcel" | sed 's/.*"absolute": "\([^"]*\)".*/\1/')
    echo "parcel $(cat "$file")"
    echo "$id" >> "$RUNNER_ITEMS_DONE"
done < "$RUNNER_ITEMS"
