#!/bin/bash
# test_system.sh - every kind of test, on the built program.
set -u -o pipefail
# shellcheck disable=SC2034  # shown before every message
PROGRAM='test'
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for part in common packages build; do
    # shellcheck source=/dev/null
    . "$HERE/lib/$part.sh"
done

ALL=(infrastructure unit sanitizer integration api websocket browser cli fuzz)
FUZZ_TOTAL_S=${SCI_FUZZ_SECONDS:-60}   # shared by all targets, 2 to 10 s each

usage() {
    cat <<EOT
Usage: scripts/test_system.sh [--only CATEGORY]... [--help]

Installs what only tests need, builds and runs all tests, prints a table and, as the very last
line, "N passed, N failed, N skipped".

Categories:
  infrastructure  set-up scripts, layout of the source, format
  unit            every module by itself
  sanitizer       unit tests and the whole program under AddressSanitizer, UndefinedBehaviorSanitizer and ThreadSanitizer
  integration     the whole program on video
  api             routes, roles, errors
  websocket       live messages
  browser         the dashboard in Chromium
  cli             the commands
  fuzz            a short run of every fuzzer, and its collected inputs

Example: scripts/test_system.sh --only unit --only cli
Variables: SCI_SHARED        a folder of recordings and truth; tests that need it are skipped without it
           SCI_FUZZ_SECONDS  time for all fuzzers together (default 60)
Exit codes: 0 all passed, 1 something failed, 2 wrong usage, 3 to 9 as setup.sh
EOT
}

CHOSEN=()
while [ $# -gt 0 ]; do
    case $1 in
        --only)
            [ $# -ge 2 ] || die "$E_USAGE" "--only needs a category (see --help)"
            [[ " ${ALL[*]} " == *" $2 "* ]] || die "$E_USAGE" "$2: no such category (see --help)"
            CHOSEN+=("$2")
            shift 2 ;;
        -h | --help) usage; exit 0 ;;
        *) die "$E_USAGE" "unknown option $1 (see --help)" ;;
    esac
done
[ ${#CHOSEN[@]} -gt 0 ] || CHOSEN=("${ALL[@]}")

RESULTS=() PASSED=0 FAILED=0 SKIPPED=0
record() {   # record CATEGORY PASSED FAILED SKIPPED SECONDS
    RESULTS+=("$(printf '%-16s %7d %7d %7d %6d s%s' "$1" "$2" "$3" "$4" "$5" "$([ $(($2 + $3 + $4)) -gt 0 ] || echo '   no tests yet')")")
    PASSED=$((PASSED + $2)) FAILED=$((FAILED + $3)) SKIPPED=$((SKIPPED + $4))
}

# The counts of the category that is running.
P=0 F=0 S=0
add() { P=$((P + $1)) F=$((F + $2)) S=$((S + $3)); }
failed_outright() {   # failed_outright MESSAGE: what should have run did not
    printf '  FAILED: %s\n' "$*" >&2
    add 0 1 0
}

# run_suite BUILD SUITE [MESON TEST OPTION...]
run_suite() {
    local build=$ROOT/$1 suite=$2 base=testlog-$2 counts
    shift 2
    rm -f "$build/meson-logs/$base".*
    meson test -C "$build" --no-rebuild --suite "$suite" --logbase "$base" "$@" > "$build/meson-logs/$base.out" 2>&1 < /dev/null
    if [ -s "$build/meson-logs/$base.json" ]; then
        counts=$(/usr/bin/python3 "$HERE/lib/count_tests.py" "$build/meson-logs/$base.json") || counts='0 1 0'
        # shellcheck disable=SC2086
        add $counts
    elif ! grep -q 'No suitable tests defined' "$build/meson-logs/$base.out"; then
        tail -n 10 "$build/meson-logs/$base.out" >&2
        failed_outright "$suite: the tests did not run (see $build/meson-logs/$base.out)"
    fi
}

# A build of its own for each sanitizer; what does not build is a failure, not the end.
build_or_fail() { (build_program "$@") || { failed_outright "$1 does not build"; return 1; }; }

run_sanitizer() {
    if build_or_fail build-asan -Db_sanitize=address,undefined -Db_lundef=false -Dbench=false; then
        UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 \
            run_suite build-asan unit --timeout-multiplier 5
        UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 \
            run_suite build-asan whole
    fi
    if build_or_fail build-tsan -Db_sanitize=thread -Db_lundef=false -Dbench=false; then
        # ONNX Runtime unlocks at exit a mutex whose locking was not seen, without a frame of its own to name.
        local -x TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1:report_mutex_bugs=0:suppressions=$ROOT/tests/tsan.supp"
        run_suite build-tsan threads --timeout-multiplier 10
        run_suite build-tsan whole
    fi
}

# A fuzzer passes when it survives all its collected inputs and then some seconds of its own.
run_fuzz() {
    local targets=() target corpus each
    (CC=clang configure_program build-fuzz -Dfuzz=true -Dwerror=false -Db_sanitize=address,undefined -Db_lundef=false -Dbench=false) ||
        { failed_outright "build-fuzz cannot be configured"; return; }
    mapfile -t targets < <(cd "$ROOT/build-fuzz" && ninja -t targets all | sed -n 's|^\(tests/fuzz/fuzz_[a-z0-9_]*\):.*|\1|p' | sort)
    [ ${#targets[@]} -gt 0 ] || return 0
    (compile_program build-fuzz "${targets[@]}") || { failed_outright "the fuzzers do not build"; return; }
    each=$((FUZZ_TOTAL_S / ${#targets[@]}))
    each=$((each < 2 ? 2 : each > 10 ? 10 : each))
    for target in "${targets[@]}"; do
        corpus=$ROOT/tests/fuzz/corpus/${target#tests/fuzz/fuzz_}
        work_folder "$ROOT/build-fuzz"
        fuzz_one "$ROOT/build-fuzz/$target" "$corpus" "$WORK" "$each"
        rm -rf "$WORK"
    done
}

fuzz_one() {   # fuzz_one TARGET CORPUS WORK SECONDS: two tests
    local name replay=()
    name=$(basename "$1")
    mkdir -p "$3/new" "$3/found"
    [ ! -d "$2" ] || replay=("$2")
    if [ ${#replay[@]} -eq 0 ]; then
        failed_outright "$name: no collected inputs at $2"
    elif "$1" -runs=0 -artifact_prefix="$3/found/" "$2" > "$3/log" 2>&1 < /dev/null; then
        add 1 0 0
    else
        tail -n 15 "$3/log" >&2
        failed_outright "$name: fails on its collected inputs"
    fi
    if "$1" -max_total_time="$4" -timeout=10 -rss_limit_mb=1024 -artifact_prefix="$3/found/" "$3/new" "${replay[@]}" > "$3/log" 2>&1 < /dev/null; then
        add 1 0 0
    else
        tail -n 25 "$3/log" >&2
        mkdir -p "$ROOT/var/log/fuzz" && cp "$3/found"/* "$ROOT/var/log/fuzz/" 2> /dev/null
        failed_outright "$name: found an input that breaks it (var/log/fuzz)"
    fi
}

install_packages build run test
say "building"
build_program build "${RELEASE[@]}"
for category in "${CHOSEN[@]}"; do
    say "$category"
    P=0 F=0 S=0 began=$SECONDS
    case $category in
        sanitizer) run_sanitizer ;;
        fuzz) run_fuzz ;;
        unit) run_suite build unit ;;
        *) run_suite build "$category" --num-processes 1 ;;   # whole programs, one after the other
    esac
    record "$category" "$P" "$F" "$S" $((SECONDS - began))
done

printf '\n%-16s %7s %7s %7s %8s\n' category passed failed skipped time
printf '%s\n' "${RESULTS[@]}"
printf '\n%d passed, %d failed, %d skipped\n' "$PASSED" "$FAILED" "$SKIPPED"
[ "$FAILED" -eq 0 ] || exit 1
