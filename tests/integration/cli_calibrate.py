#!/usr/bin/env python3
"""sci calibrate as a person calls it: a camera that is known, its point pairs, matrices and walking people. Prints TAP."""
import json
import math
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from sci_service import BINARY, ROOT, Tap  # noqa: E402

tap = Tap()
folder = pathlib.Path(tempfile.mkdtemp(prefix="sci-calibrate-"))
# Six metres up, looking along +y and down by 0.5 rad.
F, CX, CY, UP, DOWN = 1000, 640, 360, 6, 0.5
R = ((1, 0, 0), (0, -math.sin(DOWN), -math.cos(DOWN)), (0, math.cos(DOWN), -math.sin(DOWN)))
T = tuple(-row[2] * UP for row in R)
SIZE = ("--size", "1280x720")


def project(x, y, z=0.0):
    u, v, w = (sum(r * p for r, p in zip(row, (x, y, z))) + t for row, t in zip(R, T))
    return F * u / w + CX, F * v / w + CY


PLACES = [(-3, 8), (3, 8), (4, 14), (-4, 14), (0, 11), (2, 18)]


def pairs(places=PLACES, scale=1.0, mirror=1, off=None):
    rows = []
    for i, (x, y) in enumerate(places):
        u, v = project(x, y)
        rows.append(f"{u + (30 if i == off else 0):.6f},{v:.6f},{scale * x},{scale * mirror * y}")
    return "\n".join(rows)


def sci(*arguments):
    return subprocess.run([BINARY, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=60)


def report(*arguments):
    result = sci("calibrate", *arguments, "--json")
    return json.loads(result.stdout) if result.returncode == 0 else {"error": result.stderr}


def walkers(name, height=1.72, count=12, header=True):
    lines = ["frame,time_s,track_id,x,y,w,h,score,ground_x,ground_y"] if header else []
    for person in range(count):
        for k in range(12):
            x, y = -3 + 0.5 * k, 9 + 0.7 * person
            (u, v), (_, top) = project(x, y), project(x, y, height + 0.05 * (person % 3 - 1))
            box = f"{u - 20:.2f},{top:.2f},40,{v - top:.2f}"
            lines.append(f"{k + 1},{k / 10},{person + 1},{box},0.9,," if header else f"{k + 1},{person + 1},{box},0.9,-1,-1,-1")
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def usage():
    result = sci("calibrate", "--help")
    tap.check(result.returncode == 0 and "Example: sci calibrate" in result.stdout, "help with an example")
    for what, arguments, code, word in (
        ("nothing to work on", SIZE, 2, "--pairs"),
        ("two things to work on", (*SIZE, "--pairs", pairs(), "--projection", "1"), 2, "only one"),
        ("no size", ("--pairs", pairs()), 2, "--size"),
        ("intrinsics alone", (*SIZE, "--intrinsics", "1,1,1,1"), 2, "--extrinsics"),
        ("an unknown option", ("--frob",), 2, "--frob"),
        ("a word too many", (*SIZE, "--pairs", pairs(), "more"), 2, "more"),
        ("a size that is none", ("--size", "big", "--pairs", pairs()), 1, "big"),
        ("three pairs", (*SIZE, "--pairs", pairs(PLACES[:3])), 1, "at least four"),
        ("pairs in a line", (*SIZE, "--pairs", pairs([(0, 8), (0, 9), (0, 10), (0, 12)])), 1, "--pairs"),
        ("a word among the numbers", (*SIZE, "--pairs", "1,2,here,4"), 1, "here"),
        ("a number that is none", (*SIZE, "--projection", "nan," * 12), 1, "nan"),
        ("eleven numbers", (*SIZE, "--projection", "1 " * 11), 1, "not 12"),
        ("a singular matrix", (*SIZE, "--projection", "1 " * 12), 1, "singular"),
        ("a rotation that is none", (*SIZE, "--intrinsics", "9,9,1,1", "--extrinsics", "1 0 0 0 1 0 0 0 2 0 0 1"), 1, "rotation"),
        ("a file that is not there", ("--file", folder / "none.yaml"), 1, "none.yaml"),
        ("heights that are none", (*SIZE, "--pairs", pairs(), "--heights", __file__), 1, "row 1"),
    ):
        result = sci("calibrate", *arguments)
        ok = result.returncode == code and result.stderr.startswith("sci: calibrate: ") and word in result.stderr and result.stdout == ""
        tap.check(ok, f"refused: {what}", f"exit {result.returncode}: {result.stderr}")


def point_pairs():
    good = report(*SIZE, "--pairs", pairs())
    tap.check(good.get("residual_m", 1) < 1e-5 and good["leave_one_out_m"] < 1e-4 and abs(good["camera_height_m"] - UP) < 1e-3,
              "exact pairs: no residual, and the camera is where it is", good)
    bad = report(*SIZE, "--pairs", pairs(off=4))
    tap.check(bad["worst_pair"] == 5 and 0.05 < bad["residual_m"] < bad["leave_one_out_m"], "a wrong pair is named", bad)
    four = sci("calibrate", *SIZE, "--pairs", pairs(PLACES[:4]))
    tap.check(four.returncode == 0 and "residual: unknown" in four.stdout, "four pairs: the residual is unknown, not 0", four.stdout)
    (folder / "pairs.txt").write_text("# x y X Y\n" + pairs().replace(",", " "))
    tap.check(report(*SIZE, "--pairs", f"@{folder}/pairs.txt") == good, "pairs from a file")
    mirrored = sci("calibrate", *SIZE, "--pairs", pairs(mirror=-1))
    tap.check(mirrored.returncode == 0 and "mirrored" in mirrored.stdout, "a mirrored plan is said", mirrored.stdout)


def matrices():
    rows = [(*row, t) for row, t in zip(R, T)]
    numbers = [F * rows[0][k] + CX * rows[2][k] for k in range(4)] + [F * rows[1][k] + CY * rows[2][k] for k in range(4)] + list(rows[2])
    for name, arguments in (
        ("projection matrix", ("--projection", ",".join(f"{-2.5 * n:.17g}" for n in numbers))),
        ("intrinsics and rotation matrix", ("--intrinsics", f"{F},{F},{CX},{CY}", "--extrinsics", ",".join(map(str, sum(R, ()) + T)))),
        ("intrinsics and rotation vector", ("--intrinsics", f"{F},{F},{CX},{CY},0,0,0,0,0", "--extrinsics", f"{math.pi / 2 + DOWN},0,0,{T[0]},{T[1]},{T[2]}")),
    ):
        got = report(*SIZE, *arguments)
        tap.check(got.get("kind") == "pinhole" and abs(got["camera_height_m"] - UP) < 1e-6, name, got)
    out = folder / "camera.yaml"
    tap.check(sci("calibrate", *SIZE, "--pairs", pairs(), "--out", out).returncode == 0 and out.exists(), "writes YAML")
    again = report("--file", out)
    tap.check(again.get("kind") == "homography" and abs(again["camera_height_m"] - UP) < 1e-3, "and reads it back", again)
    config = folder / "sci.yaml"
    config.write_text(f"streams: [{{stream_id: a, uri: x.avi, calibration: {{file: {out}}}}}]\n")
    check = sci("config", "check", "-c", config)
    tap.check(check.returncode == 0, "a configuration may name it", check.stdout + check.stderr)


def heights():
    crowd = walkers("walkers.csv")
    good = report(*SIZE, "--pairs", pairs(), "--heights", crowd)
    tap.check(good.get("people") == 12 and abs(good["height_median_m"] - 1.72) < 0.02 and good["verdict"] == "the ground's scale is right",
              "people of 1.72 m are 1.72 m tall", good)
    mot = report(*SIZE, "--pairs", pairs(), "--heights", walkers("walkers.txt", header=False))
    tap.check(mot == good, "the same from MOTChallenge rows", mot)
    wrong = report(*SIZE, "--pairs", pairs(scale=1.3), "--heights", crowd)
    tap.check(abs(wrong.get("scale", 0) - 1.3) < 0.02 and wrong["verdict"] == "the ground's scale is wrong", "a plan in the wrong unit is found", wrong)
    few = report(*SIZE, "--pairs", pairs(), "--heights", walkers("few.csv", count=2))
    tap.check(few.get("scale", 0) is None and few["verdict"] == "not enough people walked through", "two people say nothing", few)


usage()
point_pairs()
matrices()
heights()
sys.exit(tap.end())
