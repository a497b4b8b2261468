#!/usr/bin/env python3
"""Holds the arrows between the folders of src/ to the table in docs/architecture.md.

Reads every #include "folder/header.h" and fails on an arrow that the table does not allow, on a folder that has no row,
and on a foreign library's header in one of our own headers. Prints TAP.
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
table_row = re.compile(r"^\| `src/(\w+)` \|(.*)\|([^|]*)\|$")
include = re.compile(r'^\s*#\s*include\s+"([^"/]+)/([^"]+)"')
system_include = re.compile(r"^\s*#\s*include\s+<([^>]+)>")
C_LIBRARY = {
    "assert", "complex", "ctype", "errno", "fcntl", "float", "getopt", "inttypes", "limits", "locale", "math", "pthread",
    "signal", "stdarg", "stdatomic", "stdbool", "stddef", "stdint", "stdio", "stdlib", "string", "strings", "time", "unistd",
}


def allowed_arrows():
    """Folder -> (set of folders, set of single headers), rows in the table's order: "all above" means the rows before."""
    arrows, seen = {}, []
    for line in (root / "docs/architecture.md").read_text().splitlines():
        match = table_row.match(line)
        if not match:
            continue
        folder, may_use = match.group(1), match.group(3)
        headers = set(re.findall(r"`([\w/]+\.h)`", may_use))
        names = set(re.findall(r"\b[a-z]\w*\b", re.sub(r"`[^`]*`", "", may_use)))
        use = set(seen) if "above" in names or "everything" in names else names & set(seen)
        arrows[folder] = (use, headers)
        seen.append(folder)
    return arrows


def check_file(path, arrows):
    folder = path.relative_to(root / "src").parts[0]
    use, headers = arrows.get(folder, (set(), set()))
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = include.match(line)
        if match:
            target, name = match.group(1), f"{match.group(1)}/{match.group(2)}"
            if target != folder and target not in use and name not in headers:
                yield f"{path.relative_to(root)}:{number}: {folder} may not use {name}"
        match = system_include.match(line)
        if match and path.suffix == ".h" and match.group(1).removesuffix(".h") not in C_LIBRARY:
            if not match.group(1).startswith("sys/"):
                yield f"{path.relative_to(root)}:{number}: a foreign header in a header of ours: <{match.group(1)}>"


def main():
    arrows = allowed_arrows()
    folders = sorted({p.relative_to(root / "src").parts[0] for p in (root / "src").glob("*/**/*.[ch]")})
    print(f"1..{len(folders) + 1}")
    print("ok 1 - the table has rows" if len(arrows) >= 10 else "not ok 1 - docs/architecture.md has no table of arrows")
    failed = len(arrows) < 10
    for number, folder in enumerate(folders, 2):
        problems = [] if folder in arrows else [f"src/{folder} has no row in docs/architecture.md"]
        for path in sorted((root / "src" / folder).rglob("*.[ch]")):
            problems += check_file(path, arrows)
        print(f"{'not ok' if problems else 'ok'} {number} - arrows of src/{folder}")
        for problem in problems:
            print(f"# {problem}")
        failed = failed or bool(problems)
    return 1 if failed else 0


sys.exit(main())
