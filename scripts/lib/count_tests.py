#!/usr/bin/python3
"""Count the single tests in one log of `meson test` (testlog.json: one JSON object per program).

  count_tests.py testlog.json

Programs print TAP, so each line "ok" / "not ok" / "# SKIP" is one test. A program that ends badly without
a "not ok" line (a crash, a leak found at exit, a time-out, fewer tests than planned) is one failed test
more; one that prints no TAP at all counts as one test. Prints "PASSED FAILED SKIPPED"; what failed, with the end of its output,
goes to standard error.
"""
import json
import re
import sys

LINE = re.compile(r"^(not )?ok\b[\s\d]*-?\s*(.*?)(?:\s*#\s*(SKIP|TODO)\b.*)?$", re.IGNORECASE)
PLAN = re.compile(r"^1\.\.(\d+)")
GOOD, SKIPPED = {"OK", "EXPECTEDFAIL"}, "SKIP"
TAIL = 25  # lines of a failed program's output that are shown


def single_tests(output):
    """[(verdict, name)] of the TAP lines in a program's output."""
    found = []
    for line in output.splitlines():
        match = LINE.match(line)
        if match:
            directive = (match[3] or "").upper()
            verdict = "skipped" if directive == "SKIP" else "failed" if match[1] and directive != "TODO" else "passed"
            name = match[2] if directive != "SKIP" or match[2] else line.split("SKIP", 1)[1].strip()
            found.append((verdict, name))
    return found


def verdicts(entry):
    """The same for one log entry, completed by how the program ended.

    Meson's own verdict is not enough: it takes cmocka's way of writing a skipped test ("not ok N # SKIP
    name") for a failure, and a second group of tests in one program for an error. A program that ends with 0
    and has as many verdicts as it planned is good.
    """
    output = entry.get("stdout") or ""
    found = single_tests(output)
    result = entry["result"]
    planned = sum(int(match[1]) for match in map(PLAN.match, output.splitlines()) if match)
    if found and entry["returncode"] == 0 and result in ("FAIL", "ERROR") and planned == len(found):
        result = "OK"
    if not found:
        found = [("passed" if result in GOOD else "skipped" if result == SKIPPED else "failed", entry["name"])]
    elif result not in GOOD and result != SKIPPED and all(v != "failed" for v, _ in found):
        found.append(("failed", "%s: ended with %s, exit status %s" % (entry["name"], result, entry["returncode"])))
    return found


def main():
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    with open(sys.argv[1], encoding="utf-8") as log:
        entries = [json.loads(line) for line in log if line.strip()]
    for entry in entries:
        found = verdicts(entry)
        for verdict, _ in found:
            counts[verdict] += 1
        failed = [name for verdict, name in found if verdict == "failed"]
        if failed:
            print("  FAILED in %s:" % entry["name"], *failed, sep="\n    - ", file=sys.stderr)
            output = ((entry.get("stdout") or "") + "\n" + (entry.get("stderr") or "")).strip().splitlines()
            print(*("    | " + line for line in output[-TAIL:]), sep="\n", file=sys.stderr)
    print(counts["passed"], counts["failed"], counts["skipped"])


if __name__ == "__main__":
    main()
