#!/usr/bin/env python3
"""The figures of the main job, measured through the real program. Prints a table; asserts nothing.

    bench_main.py accuracy|filters|speed|paced|latency|start|soak [...]     (default: all but filters and soak)

accuracy needs the truth of PETS09-S2L1 (../shared) and python3-scipy; everything else the sample clip and the detector.
`filters`: the same accuracy on the clip coded as H.264 like a camera's (RATES, bits/s at 25 frames/s; SIZES), decoded with the loop
filter on all pictures, on those that others refer to, and on none (media.loop_filter).
`soak` takes eleven minutes (SOAK_MINUTES) and prints the slope of the resident memory in kB/min after the first five.
"""
import calendar
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from farm import encode  # noqa: E402
from sci_service import BINARY, CLIP, ROOT, Service, assets_missing, demo_sections  # noqa: E402

SHARED = pathlib.Path(os.environ.get("SCI_SHARED", ROOT.parent / "shared"))
TRUTH = SHARED / "data/tracking/MOT15/PETS09-S2L1/gt/gt.txt"
FRAMES, HALF = 795, 397
SIZES = os.environ.get("SIZES", "auto,416x320,640x480").split(",")
CAMERA = dict(dpx=0.0051273271277, dpy=0.00465, focal=5.5549183034, kappa1=0.0051113043639, cx=324.22149053, cy=282.56650051,
              sx=1.0937855397, tx=828.73214225, ty=-3175.4796051, tz=35469.298547, rx=2.0405458695, ry=-0.89337703748, rz=-0.43056124791)


def row(name, value):
    print(f"{name:62s} {value}", flush=True)


def ground(x, y):
    """Tsai's model as published with PETS 2009, written down independently of the program: pixels to metres."""
    c = CAMERA
    sx, sy, sz = (math.sin(c[k]) for k in ("rx", "ry", "rz"))
    cx, cy, cz = (math.cos(c[k]) for k in ("rx", "ry", "rz"))
    r = [[cy * cz, cz * sx * sy - cx * sz, sx * sz + cx * cz * sy], [cy * sz, sx * sy * sz + cx * cz, cx * sy * sz - cz * sx],
         [-sy, cy * sx, cx * cy]]
    xd, yd = c["dpx"] * (x - c["cx"]) / c["sx"], c["dpy"] * (y - c["cy"])
    f = 1 + c["kappa1"] * (xd * xd + yd * yd)
    ray = (xd * f / c["focal"], yd * f / c["focal"], 1.0)
    t = (c["tx"], c["ty"], c["tz"])
    direction = [sum(r[k][i] * ray[k] for k in range(3)) for i in range(3)]
    origin = [-sum(r[k][i] * t[k] for k in range(3)) for i in range(3)]
    s = -origin[2] / direction[2]
    return (origin[0] + s * direction[0]) / 1000, (origin[1] + s * direction[1]) / 1000


def truth_rows():
    rows = [list(map(float, line.split(","))) for line in TRUTH.read_text().splitlines()]
    return [dict(frame=int(r[0]), id=int(r[1]), box=r[2:6], flag=r[6], ground=ground(r[2] + r[4] / 2, r[3] + r[5])) for r in rows]


def analyse(folder, size, extra=(), clip=CLIP):
    """Frames of the clip as dictionaries, and the seconds that the command took."""
    config = folder / "bench.yaml"
    sections = demo_sections().replace(str(CLIP), str(clip))
    detection = "" if size == "auto" else f"detection: {{input_size: {size}}}\n"
    config.write_text(f"inference: {{model: {ROOT}/var/models/nanodet_g_int8.onnx}}\n{detection}{sections}")
    out = folder / "out.jsonl"
    began = time.monotonic()
    subprocess.run([BINARY, "analyze", str(clip), "-c", str(config), "--quiet", "--out", str(out), *extra], cwd=ROOT, check=True)
    seconds = time.monotonic() - began
    return [json.loads(line) for line in out.read_text().splitlines()], seconds


def mot_figures(folder, frames, truth, first, last):
    gt, res = folder / "gt.txt", folder / "res.txt"
    gt.write_text("".join(f"{t['frame'] - first + 1},{t['id']},{','.join(map(str, t['box']))},{t['flag']:.0f},-1,-1,-1\n"
                          for t in truth if first <= t["frame"] <= last))
    res.write_text("".join(f"{f['frame'] - first + 1},{t['track_id']},{t['x']},{t['y']},{t['w']},{t['h']},{t['score']},-1,-1,-1\n"
                           for f in frames if first <= f["frame"] <= last for t in f["tracks"]))
    out = subprocess.run([BINARY, "eval", "mot", "--gt", str(gt), "--res", str(res), "--benchmark", "MOT15", "--json", "-"],
                         capture_output=True, text=True, check=True).stdout
    figures = json.loads(out[out.index("{"):])
    while "MOTA" not in figures:
        figures = next(iter(figures.values()))
    return figures


def iou(a, b):
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return w * h / (a[2] * a[3] + b[2] * b[3] - w * h) if w > 0 and h > 0 else 0


def matched(pairs_of, truth, tracks, limit):
    """One-to-one pairs with the least total cost among those under the limit."""
    import numpy
    from scipy.optimize import linear_sum_assignment
    if not truth or not tracks:
        return []
    cost = numpy.array([[min(pairs_of(t, p), 1e6) for p in tracks] for t in truth])
    rows, columns = linear_sum_assignment(numpy.where(cost <= limit, cost, 1e6))
    return [(truth[i], tracks[j]) for i, j in zip(rows, columns) if cost[i, j] <= limit]


def position_figures(frames, truth, first, last):
    errors, found, people = [], 0, 0
    by_frame = {}
    for t in truth:
        by_frame.setdefault(t["frame"], []).append(t)
    distance = lambda t, p: math.dist(t["ground"], (p["ground"]["x"], p["ground"]["y"]))  # noqa: E731
    overlap = lambda t, p: 1 - iou(t["box"], (p["x"], p["y"], p["w"], p["h"]))  # noqa: E731
    for f in frames:
        if not first <= f["frame"] <= last:
            continue
        here = by_frame.get(f["frame"], [])
        tracks = [p for p in f["tracks"] if p["ground"]]
        people += len(here)
        found += len(matched(distance, here, tracks, 1.0))
        errors += [distance(t, p) for t, p in matched(overlap, [t for t in here if t["flag"]], tracks, 0.5)]
    errors.sort()
    return statistics.median(errors), errors[int(0.9 * len(errors))], found / people


def accuracy_row(folder, name, frames, truth, first=1, last=FRAMES):
    count = {}
    for t in truth:
        count[t["frame"]] = count.get(t["frame"], 0) + 1
    mae = statistics.mean(abs(len(f["tracks"]) - count.get(f["frame"], 0)) for f in frames if first <= f["frame"] <= last)
    m = mot_figures(folder, frames, truth, first, last)
    median, p90, recall = position_figures(frames, truth, first, last)
    row(name, f"people/frame MAE {mae:.3f}  MOTA {m['MOTA']:.1f}  IDF1 {m['IDF1']:.1f}  HOTA {m['HOTA']:.1f}  "
        f"ground {median:.3f} / {p90:.3f} m  recall 1 m {recall:.3f}")


def accuracy():
    if not TRUTH.exists():
        return row("accuracy", "skipped: no truth under ../shared")
    truth = truth_rows()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for size in SIZES:
            frames, _ = analyse(folder, size)
            for label, first, last in (("whole", 1, FRAMES), ("frames 1-397", 1, HALF), ("frames 398-795", HALF + 1, FRAMES)):
                accuracy_row(folder, f"{size}, {label}", frames, truth, first, last)


def filters():
    """The decoded pictures are kept without loss in between: `sci analyze` decodes as it always does."""
    if not TRUTH.exists():
        return row("filters", "skipped: no truth under ../shared")
    truth = truth_rows()
    ffmpeg = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-y"]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for rate in os.environ.get("RATES", "1M,400k").split(","):
            for between, filtered, skipped in ((0, "all", "none"), (0, "none", "all"), (2, "all", "none"), (2, "referenced", "noref")):
                coded = encode(["-r", "25", "-i", str(CLIP), "-vsync", "0", "-bf", str(between)], folder / "coded.mp4", rate)
                plain = folder / "plain.mkv"
                subprocess.run([*ffmpeg, "-skip_loop_filter", skipped, "-i", str(coded), "-vsync", "0", "-c:v", "ffv1", str(plain)], check=True)
                for size in SIZES:
                    frames, _ = analyse(folder, size, clip=plain)
                    accuracy_row(folder, f"H.264 of {rate}bit/s, {between} B frames, loop filter {filtered}, {size}", frames, truth)


def speed():
    with tempfile.TemporaryDirectory() as name:
        seconds = [analyse(pathlib.Path(name), "auto")[1] for _ in range(3)]
    row("sci analyze, frames/s (best of three, whole command)", f"{FRAMES / min(seconds):.1f}")


def settle(service, key, seconds):
    socket = service.websocket(key)
    socket.send({"type": "subscribe", "streams": "*"})
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        socket.receive()
    return socket


def paced():
    with Service(demo_sections()) as service:
        socket = settle(service, service.key("viewer"), 5)
        began, cpu = time.monotonic(), service.cpu_seconds()
        while time.monotonic() - began < 60:
            socket.receive()
        share = (service.cpu_seconds() - cpu) / (time.monotonic() - began)
        row("one camera paced at 7 frames/s: share of one core", f"{100 * share:.1f} %")
        row("resident memory, one worker, one camera, one client", f"{service.resident_kb() / 1024:.0f} MB")


def latencies(service, key, seconds):
    socket = settle(service, key, 3)
    values, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        message = socket.receive_type("stream_update")
        captured = time.strptime(message["timestamp"][:19], "%Y-%m-%dT%H:%M:%S")
        values.append(time.time() - calendar.timegm(captured) - int(message["timestamp"][20:23]) / 1000)
    values.sort()
    return values


def latency():
    with Service(demo_sections()) as service:
        key = service.key("viewer")
        values = latencies(service, key, 40)
        row("capture to WebSocket, idle machine, p50 / p95", f"{1000 * statistics.median(values):.0f} / {1000 * values[int(.95 * len(values))]:.0f} ms")
        busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        try:
            values = latencies(service, key, 40)
        finally:
            busy.kill()
        row("capture to WebSocket, beside one busy process, p50 / p95", f"{1000 * statistics.median(values):.0f} / {1000 * values[int(.95 * len(values))]:.0f} ms")


def start():
    times = []
    for _ in range(3):
        service = Service(demo_sections())
        key = service.key("viewer")
        began = time.monotonic()
        service.start(wait=False)
        while service.request("GET", "/health")[0] != 200:
            time.sleep(0.01)
        socket = service.websocket(key)
        socket.send({"type": "subscribe", "streams": "*"})
        socket.receive_type("stream_update")
        times.append(time.monotonic() - began)
        service.__exit__(None)
    row("first snapshot after start (best / worst of three)", f"{min(times):.2f} / {max(times):.2f} s")


def slope(samples):
    """Least squares, kB per minute."""
    mx = statistics.mean(t for t, _ in samples)
    my = statistics.mean(kb for _, kb in samples)
    return 60 * sum((t - mx) * (kb - my) for t, kb in samples) / sum((t - mx) ** 2 for t, _ in samples)


def soak():
    minutes = float(os.environ.get("SOAK_MINUTES", "11"))
    with Service(demo_sections()) as service:
        socket = settle(service, service.key("viewer"), 1)
        began, samples, last = time.monotonic(), [], 0
        while time.monotonic() - began < 60 * minutes:
            socket.receive()
            t = time.monotonic() - began
            if t - last >= 5:
                last = t
                if t > 60 * min(5, minutes / 2):
                    samples.append((t, service.resident_kb()))
        row(f"resident memory over {minutes:g} min, slope after the first five", f"{slope(samples):.1f} kB/min (at {samples[-1][1] / 1024:.1f} MB)")


def main():
    missing = assets_missing()
    if missing:
        print(missing)
        return 1
    parts = {"accuracy": accuracy, "filters": filters, "speed": speed, "paced": paced, "latency": latency, "start": start, "soak": soak}
    wanted = sys.argv[1:] or [name for name in parts if name not in ("filters", "soak")]
    for name in wanted:
        if name not in parts:
            print(__doc__)
            return 2
        parts[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
