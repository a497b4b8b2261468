#!/bin/bash
# The whole set-up, killed with SIGKILL in each of its steps and run again: in a copy of this checkout, with
# the downloads of the real one. The system's packages are there already.
set -u
# shellcheck source=tests/infrastructure/tap.sh
. "$(dirname "$0")/tap.sh"
COPY=$TAP_WORK/checkout
PATIENCE_S=240

# setup_in_copy OPTION...: in a session of its own, its output in $TAP_WORK/log.
setup_in_copy() { setsid bash "$COPY/scripts/setup.sh" "$@" > "$TAP_WORK/log" 2>&1 < /dev/null & RUNNING=$!; }

# killed_in STEP SECONDS: killed so long after the step has begun.
killed_in() {
    local name="killed in the step \"$1\"" until=$((SECONDS + PATIENCE_S))
    setup_in_copy
    until grep -q "\] $1\$" "$TAP_WORK/log" || ! kill -0 "$RUNNING" 2> /dev/null || [ $SECONDS -gt $until ]; do sleep 0.02; done
    sleep "$2"
    kill -KILL -- "-$RUNNING" 2> /dev/null
    wait "$RUNNING" 2> /dev/null
    if grep -q "\] $1\$" "$TAP_WORK/log" && ! grep -q 'setup: error' "$TAP_WORK/log"; then
        pass "$name"
    else
        fail "$name" "$(tail -n 5 "$TAP_WORK/log")"
    fi
}

free_port() { /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

if ! git -C "$ROOT" rev-parse --git-dir > /dev/null 2>&1 || [ ! -x "$ROOT/build/sci" ] || [ ! -d "$ROOT/web/node_modules" ]; then
    skip 'the whole set-up, killed in each step' 'no git checkout that has been set up: run scripts/setup.sh first'
    tap_end
fi
mkdir "$COPY"
git -C "$ROOT" ls-files -z --cached --others --exclude-standard | tar -C "$ROOT" --null -T - --ignore-failed-read -cf - 2> /dev/null | tar -C "$COPY" -xf -
{ printf 'server: {port: %s}\n' "$(free_port)"; cat "$ROOT/config/demo.yaml"; } > "$COPY/config/killed.yaml"
export SCI_CONFIG=config/killed.yaml

killed_in 'machine' 0
killed_in 'Debian packages' 0
killed_in 'ONNX Runtime' 0.3
killed_in 'detector' 0.3
killed_in 'sample clip' 0.1
killed_in 'dashboard' 1
killed_in 'program' 8
killed_in 'data and admin key' 0.05
killed_in 'start' 0.05
setup_in_copy --check
if wait "$RUNNING" && grep -q 'done: people are published' "$TAP_WORK/log"; then
    pass 'run again after all that: people are published'
else
    fail 'run again after all that: people are published' "$(tail -n 12 "$TAP_WORK/log")"
fi
run bash "$COPY/scripts/setup.sh" --stop
expect 'nothing is left running' 0 'stopped'
if pgrep -f "^build/sci serve -c config/killed.yaml" > /dev/null; then fail 'no service that nobody knows of'; else pass 'no service that nobody knows of'; fi
tap_end
