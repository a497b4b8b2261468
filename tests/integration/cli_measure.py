#!/usr/bin/env python3
"""sci measure: usage, formats, bad input, and known answers of pedestrian research. Prints TAP.

The known answers lie in reference/density of the shared folder (environment SCI_SHARED, else ../shared beside
the source); without it those tests are skipped. Areas, densities and speeds are held to 1e-9, crossings and
N-t exactly, flow to 1e-9, the Gaussian profile to 1e-6 people/m2.
"""
import csv
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from sci_service import BINARY, ROOT, Tap  # noqa: E402

tap = Tap()
folder = pathlib.Path(tempfile.mkdtemp(prefix="sci-measure-"))
reference = pathlib.Path(os.environ.get("SCI_SHARED", ROOT.parent / "shared")) / "reference/density"
HALL = "POLYGON ((0 0, 10 0, 10 5, 0 5, 0 0))"
SPOT = "POLYGON ((4 1, 6 1, 6 4, 4 4, 4 1))"


def sci(*arguments):
    return subprocess.run([BINARY, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=300)


def write(name, text):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def rows(path):
    with open(path, newline="") as f:
        return list(csv.DictReader(f))


def number(text):
    return float(text) if text not in ("", None) else math.nan


def measure(trajectories, *options, walkable=HALL, area=SPOT, fps=10, out="out"):
    result = sci("measure", "--traj", trajectories, "--fps", fps, "--walkable", walkable, "--area", area, "--out", folder / out, *options)
    return result, folder / out


def usage():
    result = sci("measure", "--help")
    tap.check(result.returncode == 0 and "Example: sci measure" in result.stdout, "help with an example")
    good = write("one.csv", "id,frame,x,y\n1,0,5,2\n1,1,5,2.1\n")
    base = ["measure", "--traj", good, "--fps", "10", "--walkable", HALL, "--area", SPOT, "--out", folder / "usage"]
    for what, arguments, word in (
        ("no trajectories", base[:1] + base[3:], "--traj"),
        ("an unknown option", base + ["--frob"], "--frob"),
        ("a word too many", base + ["more"], "more"),
        ("a rate that is none", base[:4] + ["fast"] + base[5:], "--fps"),
        ("a cutoff of nothing", base + ["--cutoff", "0"], "--cutoff"),
        ("a unit that is none", base + ["--unit", "ft"], "--unit"),
        ("walls that are no shape", base[:6] + ["POLYGON ((0 0, 1 1"] + base[7:], "--walkable"),
        ("walls that cross", base[:6] + ["POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))"] + base[7:], "--walkable"),
        ("an area with a hole", base[:8] + ["POLYGON ((0 0, 9 0, 9 4, 0 4, 0 0), (1 1, 2 1, 2 2, 1 1))"] + base[9:], "--area"),
        ("frames that are none", base + ["--frames", "1,,2"], "--frames"),
    ):
        result = sci(*arguments)
        ok = result.returncode in (1, 2) and result.stderr.startswith("sci: measure: ") and word in result.stderr and len(result.stderr.splitlines()) == 1
        tap.check(ok, f"refused: {what}", f"exit {result.returncode}: {result.stderr}")
    result = sci(*base)
    tap.check(result.returncode == 0 and "ms_per_frame=" in result.stdout.splitlines()[-1], "a good call ends with ms_per_frame", result.stderr)
    result = sci(*base, "--json")
    tap.check(json.loads(result.stdout)["frames"] == 2, "a summary as JSON", result.stdout)


def bad_files():
    for what, text, words in (
        ("a position that is no number", "id,frame,x,y\n1,0,5,2\n1,1,nan,2\n", ("row 3", "column 3", "nan")),
        ("a position without end", "id,frame,x,y\n1,0,5,inf\n", ("row 2", "column 4", "inf")),
        ("a position out of all numbers", "id,frame,x,y\n1,0,1e999,2\n", ("row 2", "column 3")),
        ("a word for a number", "id,frame,x,y\n1,0,here,2\n", ("row 2", "column 3", "here")),
        ("a frame that is no whole number", "id,frame,x,y\n1,0.5,5,2\n", ("row 2", "column 2", "0.5")),
        ("a row that is too short", "id,frame,x,y\n1,0,5\n", ("row 2",)),
        ("a person twice in a frame", "id,frame,x,y\n1,0,5,2\n2,0,5,3\n1,0,5,2\n", ("rows 2 and 4", "person 1")),
        ("a header that names nothing", "a,b,c,d\n1,0,5,2\n", ("row 1",)),
        ("no row", "id,frame,x,y\n", ()),
        ("nothing", "", ()),
        ("bytes that are no text", bytes(range(256)) * 20, ()),
    ):
        result, _ = measure(write("bad.csv", text))
        ok = result.returncode == 1 and result.stderr.startswith("sci: measure: ") and all(w in result.stderr for w in words)
        tap.check(ok, f"refused: {what}", f"exit {result.returncode}: {result.stderr}")
    result, _ = measure(folder / "none.csv")
    tap.check(result.returncode == 1 and "none.csv" in result.stderr, "refused: a file that is not there", result.stderr)
    good = write("one.csv", "id,frame,x,y\n1,0,5,2\n")
    result, _ = measure(good, out="one.csv/x")
    tap.check(result.returncode == 1 and "one.csv/x" in result.stderr, "refused: a folder that cannot be made", result.stderr)


def formats():
    """The same walk in every notation gives the same bytes."""
    walk = [(i, f, 2 + i + 0.1 * f, 1 + 0.7 * i) for f in range(12) for i in range(1, 4)]
    plain = "id,frame,x,y\n" + "".join(f"{i},{f},{x:.6f},{y:.6f}\n" for i, f, x, y in walk)
    versions = {
        "CSV in another order": ("y;x;frame;id;note\n" + "".join(f"{y:.6f};{x:.6f};{f};{i};a b\n" for i, f, x, y in reversed(walk)), ()),
        "centimetres": ("id,frame,x,y\n" + "".join(f"{i},{f},{100 * x:.4f},{100 * y:.4f}\n" for i, f, x, y in walk), ("--unit", "cm")),
        "text of the laboratory in Juelich": ("# framerate: 10\n# id frame x/m y/m z/m\n" + "".join(f"{i} {f} {x:.6f} {y:.6f} 1.7\n" for i, f, x, y in walk), ()),
        "its centimetres": ("# id frame x/cm y/cm z/cm\n" + "".join(f"{i}\t{f}\t{100 * x:.4f}\t{100 * y:.4f}\t170\n" for i, f, x, y in walk), ()),
        "obsmat": ("".join(f"{f:e} {i:e} {x:.6f} 0 {y:.6f} 1 0 0\n" for i, f, x, y in walk), ()),
        "columns named on the command line": ("".join(f"{f},{i},{x:.6f},{y:.6f}\n" for i, f, x, y in walk), ("--columns", "frame,id,x,y")),
        "CR LF and a byte order mark": ("\ufeff" + plain.replace("\n", "\r\n"), ()),
    }
    _, out = measure(write("plain.csv", plain))
    expected = [(r["frame"], r["id"], number(r["area_m2"]), number(r["speed_mps"])) for r in rows(out / "individual.csv")]
    for name, (text, options) in versions.items():
        result, other = measure(write("other.txt", text), *options, out="other")
        got = [(r["frame"], r["id"], number(r["area_m2"]), number(r["speed_mps"])) for r in rows(other / "individual.csv")] if result.returncode == 0 else []
        close = len(got) == len(expected) and all(a[:2] == b[:2] and abs(a[2] - b[2]) < 1e-9 and abs(a[3] - b[3]) < 1e-9 for a, b in zip(got, expected))
        tap.check(close, f"format: {name}", result.stderr)


def small_crowds():
    result, out = measure(write("edge.csv", "id,frame,x,y\n1,0,5,2\n2,1,5,2\n3,1,5,2\n4,2,20,2\n5,3,5,0\n"), "--line", "LINESTRING (5 0, 5 5)")
    cells = {(int(r["frame"]), int(r["id"])): number(r["area_m2"]) for r in rows(out / "individual.csv")}
    tap.check(result.returncode == 0 and abs(cells[0, 1] - 50) < 1e-9, "one person has the whole hall", cells)
    tap.check(abs(cells[1, 2] - 25) < 1e-9 and abs(cells[1, 3] - 25) < 1e-9, "two at one place share it", cells)
    tap.check(math.isnan(cells[2, 4]) and "1 of 5 positions" in result.stderr, "a person outside keeps the row with an empty area, and is counted", result.stderr)
    tap.check(abs(cells[3, 5] - 50) < 1e-9, "a person on the wall", cells)
    tap.check((out / "crossings.csv").read_text() == "id,frame\n" and (out / "flow.csv").read_text() == "flow_per_s,mean_speed_mps\n",
              "nobody crosses: empty tables with their headers")
    tap.check(number(rows(out / "frames.csv")[0]["classic_density"]) == 1 / 6, "classic density")


def many_people():
    spot = write("spot.csv", "id,frame,x,y\n" + "".join(f"{i},0,5,2\n" for i in range(2000)))
    result, out = measure(spot, "--profile", 0.5, "--gauss", 0.5, "--renormalise", "on")
    areas = [number(r["area_m2"]) for r in rows(out / "individual.csv")]
    total = sum(number(r["density"]) for r in rows(out / "gauss_profile.csv")) * 0.25
    tap.check(result.returncode == 0 and all(abs(a - 0.025) < 1e-12 for a in areas), "2000 people at one place")
    tap.check(abs(total - 2000) < 1e-3, "the renormalised Gaussian holds everybody", total)
    crowd = write("crowd.csv", "id,frame,x,y\n" + "".join(f"{i},0,{i % 100 * 0.1 + 0.05},{i // 100 * 0.05 + 0.025}\n" for i in range(10000)))
    result, out = measure(crowd)
    areas = [number(r["area_m2"]) for r in rows(out / "individual.csv")]
    tap.check(result.returncode == 0 and all(abs(a / 0.005 - 1) < 1e-9 for a in areas), "10,000 people in a hall", result.stderr)


def pictures():
    crowd = write("crowd.csv", "id,frame,x,y\n" + "".join(f"{i},{f},{i % 20 * 0.3 + 0.5 + 0.1 * f},{i // 20 * 0.3 + 0.5}\n" for f in (3, 4) for i in range(100)))
    result, out = measure(crowd, "--pictures", "--line", "LINESTRING (5 0, 5 5)", "--cutoff", 0.8, out="pictures")
    names = ["cells_3.svg", "profile_3.svg", "places_3.svg", "nt.svg"]
    tap.check(result.returncode == 0 and all((out / n).exists() for n in names), "pictures of the fullest frame", result.stderr)
    roots = [xml.etree.ElementTree.parse(out / n).getroot() for n in names]
    tap.check(all(r.tag.endswith("svg") for r in roots) and len(roots[0].findall("{*}circle")) == 100, "they are SVG, with everybody in the first")
    tap.check(any("peak" in (t.text or "") for t in roots[2].iter("{http://www.w3.org/2000/svg}text")), "a crowded place is labelled")
    result, out = measure(crowd, "--pictures", "--frames", "4", out="pictures4")
    tap.check(result.returncode == 0 and sorted(p.name for p in out.glob("*.svg")) == ["cells_4.svg", "places_4.svg", "profile_4.svg"],
              "pictures of the frames asked for", result.stderr)


def worst(pairs, floor):
    return max((abs(a - b) / max(abs(b), floor) if not math.isnan(a) else math.inf) for a, b in pairs)


def within(name, error, limit):
    tap.check(error <= limit, f"{name} within {limit:g}", f"largest error {error:.3g}")


def bottleneck():
    at = reference / "bottleneck"
    meta = json.loads((at / "meta.json").read_text())
    frames = ",".join(map(str, meta["gauss_frames"]))
    for cut, kind in ((None, "nocut"), (meta["cutoff_m"], "circle")):
        options = ["--line", meta["line_wkt"], "--gauss", meta["gauss_fwhm_m"], "--gauss-step", meta["gauss_cell_m"], "--frames", frames]
        result, out = measure(at / "traj.csv", *options, *(("--cutoff", cut) if cut else ()), walkable=meta["walkable_wkt"], area=meta["area_wkt"],
                              fps=meta["fps"], out=kind)
        tap.check(result.returncode == 0, f"bottleneck, {kind}", result.stderr)
        got = {(r["frame"], r["id"]): r for r in rows(out / "individual.csv")}
        want = rows(at / "individual.csv")
        tap.check(len(got) == len(want) == meta["rows"], f"bottleneck, {kind}: every position")
        within(f"bottleneck, {kind}: areas", worst(((number(got[r["frame"], r["id"]]["area_m2"]), number(r[f"area_{kind}_m2"])) for r in want), 1e-9), 1e-9)
        within(f"bottleneck, {kind}: speeds", worst(((number(got[r["frame"], r["id"]]["speed_mps"]), number(r["speed_mps"])) for r in want), 1e-2), 1e-9)
        got = {r["frame"]: r for r in rows(out / "frames.csv")}
        want = rows(at / "frames.csv")
        for mine, theirs, floor in (("classic_density", "classic_density", 1e-3), ("voronoi_density", f"voronoi_density_{kind}", 1e-3),
                                    ("voronoi_speed", f"voronoi_speed_{kind}", 1e-2)):
            within(f"bottleneck, {kind}: {mine}", worst(((number(got[r["frame"]][mine]), number(r[theirs])) for r in want), floor), 1e-9)
    tap.check(sorted(map(tuple, csv.reader(open(out / "crossings.csv")))) == sorted(map(tuple, csv.reader(open(at / "crossings.csv")))), "every crossing")
    tap.check((out / "nt.csv").read_text() == (at / "nt.csv").read_text(), "N-t, exactly")
    got, want = rows(out / "flow.csv"), rows(at / "flow.csv")
    tap.check(len(got) == len(want), "the same intervals of flow", f"{len(got)}, not {len(want)}")
    within("flow", worst(((number(a["flow_per_s"]), number(b["flow_per_s"])) for a, b in zip(got, want)), 1e-3), 1e-9)
    within("speed at the line", worst(((number(a["mean_speed_mps"]), number(b["mean_speed_mps"])) for a, b in zip(got, want)), 1e-3), 1e-9)

    def grid(path):
        return {(r["frame"], round(number(r["x"]), 3), round(number(r["y"]), 3)): number(r["density"]) for r in rows(path)}

    got, want = grid(out / "gauss_profile.csv"), grid(at / "gauss_profile.csv")
    error = max(abs(got.get(k, 0) - want.get(k, 0)) for k in got.keys() | want.keys())
    tap.check(error <= 1e-6 and len(want) > 1000, "Gaussian profile within 1e-6", f"largest difference {error:.3g}, {len(got)} and {len(want)} cells")


def grids():
    at = reference / "grids"
    for case in rows(at / "expected.csv"):
        result, out = measure(at / case["traj"], "--cutoff", case["cutoff_m"], walkable=case["walkable_wkt"], area=case["area_wkt"], fps=case["fps"], out="grid")
        cells = {(r["frame"], r["id"]): number(r["area_m2"]) for r in rows(out / "individual.csv")}
        within(f"grid {case['case']}: areas", worst(((cells[case["frame"], i], number(case["area_m2"])) for i in case["ids"].split()), 1e-9), 1e-9)
        frame = next(r for r in rows(out / "frames.csv") if r["frame"] == case["frame"])
        for column in ("voronoi_density", "classic_density"):
            if case[column]:
                within(f"grid {case['case']}: {column}", worst([(number(frame[column]), number(case[column]))], 1e-3), 1e-9)


usage()
bad_files()
formats()
small_crowds()
many_people()
pictures()
if reference.exists():
    bottleneck()
    grids()
else:
    tap.skip("known answers", "no reference/density beside the source")
sys.exit(tap.end())
