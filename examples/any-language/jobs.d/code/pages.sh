# The state is lines of name=text here; a first run finds no file.
record() {
    # Written aside and renamed, so that nobody reads half of it.
    printf 'page=%s\ntries=%s\n' "$page" "$tries" > "$RUNNER_STATE.new"
    mv "$RUNNER_STATE.new" "$RUNNER_STATE"
}
# A stop (TERM) comes with a grace: what is recorded until the end counts.
trap 'record; exit 1' TERM

value() { [ ! -e "$RUNNER_STATE" ] || sed -n "s/^$1=//p" "$RUNNER_STATE"; }
page=$(value page)
tries=$(value tries)
page=${page:-0}
tries=$((${tries:-0} + 1))
echo "try $tries begins after page $page"

while [ "$page" -lt 5 ]; do
    if [ "$page" -eq 3 ] && [ "$tries" -eq 1 ]; then
        record
        echo "the connection is gone" >&2
        exit 1
    fi
    page=$((page + 1))
    echo "page $page"
    record
    echo "$page/5 pages" > "$RUNNER_PROGRESS"
done
echo "pages.fetched:=$page" > "$RUNNER_INFO"
echo "pages:=$page" >> "$RUNNER_OUTPUT"
