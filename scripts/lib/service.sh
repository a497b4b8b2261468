# shellcheck shell=bash
# service.sh - the data folder, the admin key, and starting and stopping the service. Needs common.sh.

CONFIG=${SCI_CONFIG:-config/demo.yaml}   # relative to the checkout, or absolute
PID_FILE=$ROOT/var/sci.pid LOG_FILE=$ROOT/var/sci.log KEY_STATE=$ROOT/var/state/admin-key
START_LIMIT_S=30 PEOPLE_LIMIT_S=60

sci() { (cd "$ROOT" && build/sci "$@"); }

# service_address: where the service listens, seen from this machine. The program says it, with every
# override in force; before it is built, the file's own lines are read.
service_address() {
    local said=''
    [ ! -x "$ROOT/build/sci" ] || said=$(sci config check -c "$CONFIG" 2> /dev/null | awk '$1 == "server" { print $2; exit }')
    if [ -z "$said" ]; then
        said=http://127.0.0.1:$(cd "$ROOT" && awk '/^[^ #]/ { inside = $1 == "server:" } inside && $1 == "port:" { port = $2 } END { print port ? port : 8000 }' "$CONFIG" 2> /dev/null)
    fi
    sed -e 's|//0\.0\.0\.0:|//127.0.0.1:|' -e 's|//\[*::\]*:|//[::1]:|' <<< "$said"
}
service_port() { local address; address=$(service_address); printf '%s\n' "${address##*:}"; }

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

check_config() {
    local found
    found=$(sci config check -c "$CONFIG" 2>&1) || die "$E_START" "the configuration is not right:
$found"
}

# create_key: an admin key where the database has none. It goes to KEY for the caller to show; only its
# hash is stored. A key that an interrupted run made and may not have shown is revoked for a new one.
create_key() {
    local keys
    KEY=
    keys=$(sci token list -c "$CONFIG") || die "$E_START" "the database cannot be opened (build/sci token list -c $CONFIG)"
    if [ "$(cat "$KEY_STATE" 2> /dev/null)" = "making $CONFIG" ]; then
        sci token revoke --name admin -c "$CONFIG" > /dev/null 2>&1
        keys=$(sci token list -c "$CONFIG")
    fi
    ! grep -E '  admin +made ' <<< "$keys" | grep -qv ', revoked ' || return 0
    key_state "making $CONFIG"
    KEY=$(sci token create --role admin --name admin -c "$CONFIG" | tail -n 1)
    [ -n "$KEY" ] || die "$E_START" "the admin key cannot be made (build/sci token create --role admin --name admin -c $CONFIG)"
}
key_state() {
    { mkdir -p "$(dirname "$KEY_STATE")" && printf '%s\n' "$1" > "$KEY_STATE"; } || die "$E_DISK" "$KEY_STATE: cannot write"
}

start_service() {
    local pid address
    address=$(service_address)
    # It writes its own number before it is the program: killed at any moment, this script leaves no service
    # that nobody knows of.
    (cd "$ROOT" && printf '%s\n' "$BASHPID" > "$PID_FILE" && exec setsid nohup build/sci serve -c "$CONFIG" >> "$LOG_FILE" 2>&1 < /dev/null) &
    pid=$!
    for _ in $(seq $((START_LIMIT_S * 10))); do
        curl -fsS -o /dev/null --noproxy '*' --max-time 2 "$address/health" 2> /dev/null && return 0
        if ! kill -0 "$pid" 2> /dev/null; then
            tail -n 5 "$LOG_FILE" >&2
            rm -f "$PID_FILE"
            die "$E_START" "the service ended at once (see $LOG_FILE)"
        fi
        sleep 0.1
    done
    stop_service
    die "$E_START" "no answer from $address/health within $START_LIMIT_S s (see $LOG_FILE)"
}

# check_service: wait until people are published, print that snapshot, stop. With a key of its own, for a
# moment: the admin key is known to its owner alone.
check_service() {
    local key snapshot status
    sci token revoke --name setup-check -c "$CONFIG" > /dev/null 2>&1   # left by a run that was killed
    key=$(sci token create --role viewer --name setup-check -c "$CONFIG" | tail -n 1)
    say "  waiting until people are published, at most $PEOPLE_LIMIT_S s"
    snapshot=$(/usr/bin/python3 "$ROOT/scripts/lib/first_snapshot.py" "$(service_port)" "$PEOPLE_LIMIT_S" <<< "$key")
    status=$?
    sci token revoke --name setup-check -c "$CONFIG" > /dev/null 2>&1
    stop_service
    [ $status -eq 0 ] || die "$E_START" "no people were published (see $LOG_FILE)"
    printf '%s\n' "$snapshot"
}
