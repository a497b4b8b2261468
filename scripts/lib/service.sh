# shellcheck shell=bash
# service.sh - the data folder, the admin key, and starting and stopping the service. Needs common.sh.

CONFIG=${SCI_CONFIG:-config/demo.yaml}   # relative to the checkout, or absolute
PID_FILE=$ROOT/var/sci.pid LOG_FILE=$ROOT/var/sci.log KEY_MARK=$ROOT/var/state/admin-key
START_LIMIT_S=30

sci() { (cd "$ROOT" && build/sci "$@"); }

# server_setting NAME DEFAULT: a scalar under `server:` of the configuration.
server_setting() {
    local found
    found=$(cd "$ROOT" && awk -v name="$1:" '/^[^ #]/ { inside = $1 == "server:" } inside && $1 == name { print $2; exit }' "$CONFIG" 2> /dev/null)
    printf '%s\n' "${found:-$2}"
}
service_port() { server_setting port 8000; }
service_address() { printf 'http://127.0.0.1:%s\n' "$(service_port)"; }

# running: the process of the pid file is alive and is our program.
running() {
    local pid
    pid=$(cat "$PID_FILE" 2> /dev/null) && [ -n "$pid" ] && [ "$(readlink "/proc/$pid/exe" 2> /dev/null | sed 's/ (deleted)$//')" = "$ROOT/build/sci" ]
}

stop_service() {
    local pid
    running || { rm -f "$PID_FILE"; return 0; }
    pid=$(cat "$PID_FILE")
    kill -TERM "$pid"
    for _ in $(seq 150); do   # a shutdown takes at most 10 s
        [ -d "/proc/$pid" ] || { rm -f "$PID_FILE"; return 0; }
        sleep 0.1
    done
    warn "process $pid did not end within 15 s and is killed"
    kill -KILL "$pid"
    rm -f "$PID_FILE"
}

check_port() {
    local port
    port=$(service_port)
    ! port_taken "$port" || die "$E_PORT" "port $port is in use by another program: stop that one, or change server.port in $CONFIG"
}

# create_key: the admin key, once. It goes to KEY for the caller to show; only its hash is stored.
create_key() {
    KEY=
    [ ! -e "$KEY_MARK" ] || return 0
    sci help | grep -q '^ *token ' || { say "  this version has no keys"; return 0; }
    KEY=$(sci token create --role admin --name admin -c "$CONFIG" | tail -n 1)
    [ -n "$KEY" ] || die "$E_START" "the admin key cannot be created (build/sci token create --role admin --name admin -c $CONFIG)"
}
key_was_shown() { mkdir -p "$(dirname "$KEY_MARK")" && : > "$KEY_MARK"; }

start_service() {
    local pid
    mkdir -p "$ROOT/var" || die "$E_DISK" "$ROOT/var: cannot make this folder"
    (cd "$ROOT" && exec setsid nohup build/sci serve -c "$CONFIG" >> "$LOG_FILE" 2>&1 < /dev/null) &
    pid=$!
    printf '%s\n' "$pid" > "$PID_FILE"
    for _ in $(seq $((START_LIMIT_S * 10))); do
        curl -fsS -o /dev/null --max-time 2 "$(service_address)/health" 2> /dev/null && return 0
        if ! kill -0 "$pid" 2> /dev/null; then
            tail -n 5 "$LOG_FILE" >&2
            rm -f "$PID_FILE"
            die "$E_START" "the service ended at once (see $LOG_FILE)"
        fi
        sleep 0.1
    done
    stop_service
    die "$E_START" "no answer from $(service_address)/health within $START_LIMIT_S s (see $LOG_FILE)"
}
