#!/bin/bash
# The counting of tests: a test that fails, crashes or is skipped must never be counted as passed.
set -u
# shellcheck source=tests/infrastructure/tap.sh
. "$(dirname "$0")/tap.sh"

counted() {   # counted NAME EXPECTED LOG-LINE...
    local name=$1 expected=$2
    shift 2
    printf '%s\n' "$@" > "$TAP_WORK/log.json"
    OUT=$(/usr/bin/python3 "$ROOT/scripts/lib/count_tests.py" "$TAP_WORK/log.json" 2> /dev/null)
    if [ "$OUT" = "$expected" ]; then pass "$name"; else fail "$name" "got '$OUT', expected '$expected'"; fi
}
entry() {   # entry RESULT STATUS OUTPUT
    printf '{"name": "x", "result": "%s", "returncode": %s, "stdout": "%s", "stderr": ""}' "$@"
}
counted 'each TAP line is a test' '2 1 1' "$(entry FAIL 1 '1..4\nok 1 - a\nnot ok 2 - b\nok 3 - c\nok 4 - d # SKIP no data\n')"
counted 'a skip in the words of cmocka' '1 0 1' "$(entry FAIL 0 '1..2\nok 1 - a\nnot ok 2 # SKIP b\n')"
counted 'a crash after passed tests fails' '1 1 0' "$(entry ERROR -6 '1..2\nok 1 - a\n')"
counted 'a leak found at exit fails' '1 1 0' "$(entry FAIL 1 '1..1\nok 1 - a\n')"
counted 'a time-out fails' '0 1 0' "$(entry TIMEOUT -15 '')"
counted 'a crash beside a skip fails' '1 1 1' "$(entry ERROR -11 '1..2\nok 1 - a\nnot ok 2 # SKIP b\n')"
counted 'two groups in one program' '3 0 0' "$(entry ERROR 0 '1..2\nok 1 - a\nok 2 - b\n1..1\nok 1 - c\n')"
counted 'fewer tests than planned fail' '1 1 0' "$(entry ERROR 0 '1..3\nok 1 - a\n')"
counted 'a program without TAP is one test' '1 1 1' "$(entry OK 0 '')" "$(entry FAIL 1 'words\n')" "$(entry SKIP 77 '')"
counted 'words that begin like a verdict are not one' '1 0 0' "$(entry OK 0 'ok 1 - a\nokay then\n# not ok - g\n')"
tap_end
