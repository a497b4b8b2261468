#!/usr/bin/python3
"""Runs a cmocka program and passes its TAP on in the form that meson reads.

cmocka 1.1 writes a skipped test as "not ok N # SKIP name", which meson counts as failed, and a plan per group of tests, where
meson expects one: skipped tests become "ok N # SKIP name", all groups are numbered through, and the plan comes last. The
exit code is the program's.
"""
import re
import subprocess
import sys

count = 0
program = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True, errors="replace")
for line in program.stdout:
    if re.match(r"1\.\.\d+\s*$", line):
        continue
    result = re.match(r"(not ok|ok) \d+(.*)", line, re.S)
    if result:
        count += 1
        state = "ok" if "# SKIP" in result[2] else result[1]
        line = f"{state} {count}{result[2]}"
    sys.stdout.write(line)
    sys.stdout.flush()
code = program.wait()
# A program that died has no plan: meson then says that it failed, however many tests had passed.
if code >= 0:
    print(f"1..{count}")
sys.exit(code if code >= 0 else 128 - code)
