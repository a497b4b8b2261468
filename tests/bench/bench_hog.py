#!/usr/bin/python3
"""Our HOG detector and OpenCV's default people detector on the same frames: F1 and processor time of one thread.

    tests/bench/bench_hog.py [--clip var/sample/vtest.avi] [--truth gt.txt] [--every 1]

Needs the built program, and Debian's python3-opencv for the other side (without it only ours is measured). OpenCV runs with one thread,
window stride 8 and scale 1.05, its defaults. Its windows are wider and higher than people, so each box is scored as it comes and cut to
the middle half of its width and three quarters of its height, which is where its training had the person; and also on the picture made
1.5 times as large, for people smaller than its window.
"""
import argparse
import json
import os
import pathlib
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
SHARED = pathlib.Path(os.environ.get("SCI_SHARED", ROOT.parent / "shared"))
folder = pathlib.Path(tempfile.mkdtemp(prefix="sci-bench-hog-"))


def score(name, truth, det, threshold, ms):
    result = subprocess.run([BUILD / "sci", "eval", "detect", "--truth", truth, "--det", det, "--threshold", str(threshold), "--json", "-"],
                            capture_output=True, text=True, check=True)
    f = json.loads(result.stdout[result.stdout.index("{"):])
    print("%-42s AP %.3f  best F1 %.3f (at %.2f)  F1 at its own threshold %.3f  ms/frame %.1f" % (
        name, f["average_precision"], f["best_f1"], f["best_threshold"], f["f1"], ms), flush=True)


def ours(clip, truth, every):
    for path in ("fast", "plain"):
        out = folder / f"hog_{path}.txt"
        text = subprocess.run([BUILD / "tests/bench/bench_hog", clip, out, path, str(every)], capture_output=True, text=True, check=True).stdout
        ms = float(text.split("hog_ms_per_frame=")[1].split()[0])
        score(f"HOG, {'AVX2' if path == 'fast' else 'plain C'}", truth, out, 0.5, ms)


def opencv(clip, truth, every):
    try:
        import cv2
    except ImportError:
        print("OpenCV: python3-opencv is not installed")
        return
    cv2.setNumThreads(1)
    hog = cv2.HOGDescriptor()
    hog.setSVMDetector(cv2.HOGDescriptor_getDefaultPeopleDetector())
    # Scores only grow by grouping; -0.3 leaves room for a better threshold than the default 0.
    ways = {"default call": (1, {}), "hitThreshold -0.3": (1, {"hitThreshold": -0.3}), "picture x 1.5": (1.5, {})}
    rows, cut, ms = ({name: [] for name in ways} for _ in range(3))
    video, number = cv2.VideoCapture(str(clip)), 0
    while True:
        ok, picture = video.read()
        number += 1
        if not ok:
            break
        if number % every:
            continue
        for name, (size, options) in ways.items():
            scaled = picture if size == 1 else cv2.resize(picture, None, fx=size, fy=size)
            begin = time.thread_time()
            boxes, weights = hog.detectMultiScale(scaled, **options)
            ms[name].append((time.thread_time() - begin) * 1e3)
            for (x, y, w, h), weight in zip(boxes, weights):
                weight = float(weight)
                rows[name].append("%d,-1,%.2f,%.2f,%.2f,%.2f,%.5f" % (number, x / size, y / size, w / size, h / size, weight))
                cut[name].append("%d,-1,%.2f,%.2f,%.2f,%.2f,%.5f" % (number, (x + w / 4) / size, (y + h / 8) / size, w / 2 / size, h * 0.75 / size, weight))
    for name in ways:
        mean = sum(ms[name]) / len(ms[name])
        for kind, lines in (("boxes as they come", rows[name]), ("cut to the person", cut[name])):
            det = folder / "opencv.txt"
            det.write_text("".join(line + "\n" for line in lines))
            score(f"OpenCV {cv2.__version__}, {name}, {kind}", truth, det, 0, mean)


parser = argparse.ArgumentParser()
parser.add_argument("--clip", default=ROOT / "var/sample/vtest.avi")
parser.add_argument("--truth", default=SHARED / "data/tracking/MOT15/PETS09-S2L1/gt/gt.txt")
parser.add_argument("--every", type=int, default=1)
options = parser.parse_args()
wanted = folder / "truth.txt"
wanted.write_text("".join(line for line in open(options.truth) if int(line.split(",")[0]) % options.every == 0))
ours(options.clip, wanted, options.every)
opencv(options.clip, wanted, options.every)
