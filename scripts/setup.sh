#!/bin/bash
# setup.sh - from a clean clone to the running system on sample video.
set -u -o pipefail
# shellcheck disable=SC2034  # shown before every message
PROGRAM='setup'
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for part in common fetch assets gpu packages machine build service; do
    # shellcheck source=/dev/null
    . "$HERE/lib/$part.sh"
done

usage() {
    cat <<EOT
Usage: scripts/setup.sh [--no-start | --gpu | --check | --stop | --help]

Installs what is needed, builds the program and starts it on sample video. Run it again at any
time: finished steps are skipped, damaged or interrupted ones are repaired.

  --no-start   everything but the start
  --gpu        as --no-start, and ONNX Runtime's CUDA provider (180 MB; for an NVIDIA GPU)
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

LOCK_LIMIT_S=60
MODE=start
case ${1:-} in
    '') ;;
    --no-start) MODE=build ;;
    --gpu) MODE=gpu ;;
    --check) MODE=check ;;
    --stop) MODE=stop ;;
    -h | --help) usage; exit 0 ;;
    *) die "$E_USAGE" "unknown option $1 (see --help)" ;;
esac
[ $# -le 1 ] || die "$E_USAGE" "one option at most (see --help)"

# Two runs at once would step on each other. What a killed run left behind, such as a compiler, holds the
# lock for some seconds more.
mkdir -p "$ROOT/var" || die "$E_DISK" "$ROOT/var: cannot make this folder"
exec 9> "$ROOT/var/.setup.lock" || die "$E_DISK" "$ROOT/var: cannot write"
flock -n 9 || {
    say "waiting for another setup.sh in this checkout, at most $LOCK_LIMIT_S s"
    flock -w "$LOCK_LIMIT_S" 9 || die "$E_USAGE" "another setup.sh is running in this checkout"
}

if [ "$MODE" = stop ]; then
    stop_service
    say "stopped"
    exit 0
fi

# shellcheck disable=SC2034  # read by `step`
case $MODE in build) STEPS=8 ;; *) STEPS=9 ;; esac
step "machine"
check_machine
case $MODE in build | gpu) ;; *) running || check_port ;; esac
step "Debian packages"
install_packages build run
step "ONNX Runtime"
asset_onnxruntime
if [ "$MODE" = gpu ]; then
    step "CUDA provider"
    asset_gpu
    check_gpu
fi
step "detector"
asset_model
step "sample clip"
asset_sample
step "dashboard"
build_dashboard
step "program"
build_program build "${RELEASE[@]}"
step "data and admin key"
mkdir -p "$ROOT/var/media" || die "$E_DISK" "$ROOT/var/media: cannot make this folder"
check_config
create_key
if [ -n "$KEY" ]; then
    say "  admin key, shown only now: $KEY"
    key_state shown
fi
case $MODE in build | gpu) say "done: build/sci"; exit 0 ;; esac

step "start"
stop_service   # an older one, so that the new build runs
check_port
start_service 9>&-
if [ "$MODE" = check ]; then
    check_service
    say "done: people are published; stopped"
    exit 0
fi
if [ -n "$KEY" ]; then
    sign_in="this key, shown only now:

      $KEY"
else
    sign_in="the admin key that the first run showed. If it is lost, this makes another:

      build/sci token create --role admin --name NAME -c $CONFIG"
fi
cat <<EOT

  sci is running. Open

      $(service_address)/

  in a browser on this machine and sign in with $sign_in

  What to look at:
    camera   boxes and numbers on people walking over a square, and where each stands in metres
    figures  people per square metre, and the fullest zone beside its capacity
    alerts   "crossing-full" is raised within a minute or two: acknowledge it
    trend    run scripts/setup.sh again: history and acknowledgement are still there

  Log   var/sci.log
  Stop  scripts/setup.sh --stop
EOT
