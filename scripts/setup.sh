#!/bin/bash
# setup.sh - from a clean clone to the running system on sample video.
set -u -o pipefail
# shellcheck disable=SC2034  # shown before every message
PROGRAM='setup'
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for part in common fetch assets packages machine build service; do
    # shellcheck source=/dev/null
    . "$HERE/lib/$part.sh"
done

usage() {
    cat <<EOT
Usage: scripts/setup.sh [--no-start | --check | --stop | --help]

Installs what is needed, builds the program and starts it on sample video. Run it again at any
time: finished steps are skipped, damaged or interrupted ones are repaired.

  --no-start   everything but the start
  --check      start, wait until people are published, print that snapshot, stop
  --stop       stop the service that an earlier run started
  --help       this text

Example: scripts/setup.sh
Variables: SCI_CACHE   where downloads are kept (default ~/.cache/sci)
           SCI_CONFIG  the configuration to start with (default config/demo.yaml)
Exit codes:
   0 done             2 wrong usage        3 machine not suitable    4 disk full or not writable
   5 port in use      6 network missing    7 package cannot be installed
   8 wrong checksum   9 build failed      10 the service does not start, or publishes no people
EOT
}

MODE=start
case ${1:-} in
    '') ;;
    --no-start) MODE=build ;;
    --check) MODE=check ;;
    --stop) MODE=stop ;;
    -h | --help) usage; exit 0 ;;
    *) die "$E_USAGE" "unknown option $1 (see --help)" ;;
esac
[ $# -le 1 ] || die "$E_USAGE" "one option at most (see --help)"

# Two runs at once would step on each other.
mkdir -p "$ROOT/var" || die "$E_DISK" "$ROOT/var: cannot make this folder"
exec 9> "$ROOT/var/.setup.lock" || die "$E_DISK" "$ROOT/var: cannot write"
flock -n 9 || die "$E_USAGE" "another setup.sh is running in this checkout"

if [ "$MODE" = stop ]; then
    stop_service
    say "stopped"
    exit 0
fi

# shellcheck disable=SC2034  # read by `step`
if [ "$MODE" = build ]; then STEPS=8; else STEPS=9; fi
step "machine"
check_machine
[ "$MODE" = build ] || running || check_port
step "Debian packages"
install_packages build run
step "ONNX Runtime"
asset_onnxruntime
step "detector"
asset_model
step "sample clip"
asset_sample
step "dashboard"
build_dashboard
step "program"
build_program build "${RELEASE[@]}"
step "data and admin key"
create_key
if [ -n "$KEY" ]; then
    say "  admin key, shown this once: $KEY"
    key_was_shown || die "$E_DISK" "$KEY_MARK: cannot write"
fi
[ "$MODE" != build ] || { say "done: build/sci"; exit 0; }

step "start"
stop_service   # an older one, so that the new build runs
check_port
start_service 9>&-
if [ "$MODE" = check ]; then
    check_service
    exit 0
fi
cat <<EOT

  Open $(service_address)/ in a browser on this machine and sign in with the admin key${KEY:+:
  $KEY}.
  You see a square with people walking: boxes and identities on the picture, where they stand in
  metres, people per square metre, a zone that fills and raises an alert, and their history.

  log   var/sci.log
  stop  scripts/setup.sh --stop
EOT
[ -n "$KEY" ] || echo "  key   shown when it was made; another: build/sci token create --role admin --name NAME -c $CONFIG"
