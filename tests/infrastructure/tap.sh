# shellcheck shell=bash
# tap.sh - Test Anything Protocol for shell tests. Sourced; `tap_end` comes last.

# shellcheck disable=SC2034  # for those who source this file
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
TAP_COUNT=0 TAP_FAILED=0
TAP_WORK=$(mktemp -d "${TMPDIR:-/tmp}/sci-test.XXXXXX") || exit 1
trap 'rm -rf "$TAP_WORK"' EXIT

pass() { TAP_COUNT=$((TAP_COUNT + 1)); printf 'ok %d - %s\n' "$TAP_COUNT" "$1"; }
fail() {   # fail NAME [WHAT HAPPENED]
    TAP_COUNT=$((TAP_COUNT + 1)) TAP_FAILED=1
    printf 'not ok %d - %s\n' "$TAP_COUNT" "$1"
    [ -z "${2:-}" ] || printf '%s\n' "$2" | sed 's/^/# /'
}
skip() { TAP_COUNT=$((TAP_COUNT + 1)); printf 'ok %d - %s # SKIP %s\n' "$TAP_COUNT" "$1" "$2"; }

# run COMMAND...: its output goes to OUT, its exit status to STATUS.
run() { OUT=$("$@" 2>&1 < /dev/null) && STATUS=0 || STATUS=$?; }

# expect NAME STATUS [PATTERN]: what the last `run` must have given.
expect() {
    if [ "$STATUS" -ne "$2" ]; then
        fail "$1" "exit status $STATUS, expected $2; output: $OUT"
    elif [ -n "${3:-}" ] && ! printf '%s\n' "$OUT" | grep -qE -- "$3"; then
        fail "$1" "no line matches '$3'; output: $OUT"
    else
        pass "$1"
    fi
}

tap_end() { printf '1..%d\n' "$TAP_COUNT"; exit "$TAP_FAILED"; }
