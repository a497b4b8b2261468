#!/usr/bin/env python3
"""The picture's motion on the ground against people's true velocities: PETS09-S2L1 (vtest.avi). Asserts nothing.

    [SOURCE=vectors] bench_motion.py [CLIP]      the same frames as vtest.avi, default that; SOURCE: motion.source

Truth: the boxes of the sequence's ground truth, their feet through the published calibration, a straight line through 9 frames.
Each person who walks (0.5 m/s and more) and has nobody within 1.5 m is compared with the block under their feet.
"""
import collections
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from bench_main import truth_rows  # noqa: E402
from sci_service import BINARY, CLIP, ROOT, demo_sections  # noqa: E402

RATE, HALF = 7, 4


def slope(points):
    mean_t = sum(t for t, _ in points) / len(points)
    return sum((t - mean_t) * v for t, v in points) / sum((t - mean_t) ** 2 for t, _ in points)


def true_velocities(rows):
    tracks = collections.defaultdict(dict)
    for row in rows:
        tracks[row["id"]][row["frame"]] = row["ground"]
    for person in tracks.values():
        for frame in person:
            near = [(f / RATE, person[f]) for f in range(frame - HALF, frame + HALF + 1) if f in person]
            if len(near) == 2 * HALF + 1:
                yield frame, person[frame], tuple(slope([(t, p[k]) for t, p in near]) for k in (0, 1))


def snapshots(clip):
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "bench.yaml"
        config.write_text(demo_sections().replace(f"uri: {CLIP}\n", f"uri: {clip}\n    motion: {{when: always, source: {os.environ.get('SOURCE', 'auto')}}}\n"))
        text = subprocess.run([BINARY, "analyze", str(clip), "-c", config, "--stream", "square", "--fps", str(RATE)],
                              check=True, capture_output=True, text=True, cwd=ROOT).stdout
    return {row["frame"]: row for row in map(json.loads, text.splitlines())}


def cell_at(grid, place):
    column, row = (math.floor((place[k] - grid["origin_" + "xy"[k]]) / grid["cell_m"]) for k in (0, 1))
    if not (0 <= column < grid["columns"] and 0 <= row < grid["rows"]):
        return None
    cells = grid["cells"]
    at = row * grid["columns"] + column
    return next((cells[i + 1:i + 3] for i in range(0, len(cells), 4) if cells[i] == at), None)


def compare(clip):
    frames, rows = snapshots(clip), truth_rows()
    crowd = collections.defaultdict(list)
    for row in rows:
        crowd[row["frame"]].append(row["ground"])
    asked = found = 0
    off, along, turned, speeds = [], [], [], []
    for frame, place, v in true_velocities(rows):
        speed, grid = math.hypot(*v), frames.get(frame, {}).get("motion")
        if speed < 0.5 or not grid or sum(math.dist(place, other) < 1.5 for other in crowd[frame]) > 1:
            continue
        asked += 1
        cell = cell_at(grid, place)
        if cell:
            found += 1
            speeds.append(speed)
            off.append(math.dist(cell, v))
            along.append((cell[0] * v[0] + cell[1] * v[1]) / speed ** 2)
            turned.append(abs(math.degrees(math.remainder(math.atan2(cell[1], cell[0]) - math.atan2(v[1], v[0]), math.tau))))
    print(f"{asked} walks of people alone, {found} with a velocity under their feet ({100 * found / asked:.0f} %)")
    print(f"  true speed, median                 {statistics.median(speeds):.2f} m/s")
    print(f"  off by, median / 90th percentile   {statistics.median(off):.2f} / {statistics.quantiles(off, n=10)[8]:.2f} m/s")
    print(f"  speed along the truth, of it       {statistics.median(along):.2f} (quartiles "
          f"{statistics.quantiles(along, n=4)[0]:.2f}, {statistics.quantiles(along, n=4)[2]:.2f})")
    print(f"  direction off by, median / 90th    {statistics.median(turned):.0f} / {statistics.quantiles(turned, n=10)[8]:.0f} degrees")
    shares = [row["motion_share"]["value"] for row in frames.values() if row.get("motion_share", {}).get("valid")]
    ours = [row["motion_speed"]["value"] for row in frames.values() if row.get("motion_speed", {}).get("valid")]
    print(f"  motion_speed of the view, median   {statistics.median(ours):.2f} m/s; motion_share {statistics.median(shares):.1f} %")


if __name__ == "__main__":
    compare(sys.argv[1] if len(sys.argv) > 1 else CLIP)
