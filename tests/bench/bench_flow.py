#!/usr/bin/python3
"""Optical flow beside OpenCV's DIS (python3-opencv) on the same pairs of pictures, one thread each, in turn. Asserts nothing.

    bench_flow.py [FOLDER]      where the pairs are written, default a temporary one (90 MB a set). CODED_ONLY=1: the last part alone

Real pictures of 640x480 (frames of ../shared's clips, photographs), moved by a smooth random field that is known exactly: the later
picture is real, the earlier one is looked up in it. Sets: `smooth` (field of 40 pixels' sigma, 9 pixels at most: where DIS
ultrafast and fast are off by about 0.50 and 0.42 pixels), `finer` (20 pixels' sigma, 8 at most), `noise` (smooth, and 4 grey levels
of noise on both), `things` (20 ellipses of person size on a ground at rest). Then `smooth` and `things` in three steps of a third each,
coded as H.264 (x264 veryfast, CODED_CRF (28), one reference, no B frames), as a camera's pictures come: the motion over all three by its motion
vectors, and by optical flow on the first and last of the decoded pictures. Errors are mean end-point errors in pixels without 16
pixels of border.
"""
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import cv2
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("SCI_SHARED", ROOT.parent / "shared"))
PROGRAM = os.environ.get("BENCH_FLOW", ROOT / "build/tests/bench/bench_flow")
WIDTH, HEIGHT, BORDER, ROUNDS = 640, 480, 16, 5
CLIPS = ["data/videos/street_1080p/street.mp4", "data/videos/crossing_topdown/crossing.mp4",
         "data/videos/intel/one-by-one-person-detection.mp4"]
PEERS = {"DIS ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST, "DIS fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
         "DIS medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM}


def fitted(grey):
    scale = max(WIDTH / grey.shape[1], HEIGHT / grey.shape[0])
    grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    y, x = (grey.shape[0] - HEIGHT) // 2, (grey.shape[1] - WIDTH) // 2
    return grey[y:y + HEIGHT, x:x + WIDTH].copy()


def pictures():
    found = []
    for clip in [ROOT / "var/sample/vtest.avi"] + [SHARED / c for c in CLIPS]:
        video = cv2.VideoCapture(str(clip))
        count = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
        for k in range(3):
            video.set(cv2.CAP_PROP_POS_FRAMES, (k + 1) * count // 4)
            good, frame = video.read()
            if good:
                found.append(fitted(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)))
    for path in sorted((SHARED / "data/counting/shanghaitech/part_B/train").glob("IMG_*.jpg"))[:120:10]:
        found.append(fitted(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)))
    return found


GRID = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)


def smooth_field(random, sigma, most):
    u, v = (cv2.GaussianBlur(random.standard_normal((HEIGHT, WIDTH)).astype(np.float32), (0, 0), sigma) for _ in range(2))
    return np.dstack([u, v]) * (most / max(np.abs(u).max(), np.abs(v).max()))


def moved(picture, field):
    return cv2.remap(picture, GRID[1] + field[..., 0], GRID[0] + field[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def noisy(picture, random, sigma):
    return np.clip(picture + random.normal(0, sigma, picture.shape), 0, 255).round().astype(np.uint8)


def smooth(sources, sigma=40, most=9, noise=0):
    random = np.random.default_rng(1)
    for picture in sources:
        field = smooth_field(random, sigma, most)
        earlier = moved(picture, field)
        yield (noisy(earlier, random, noise), noisy(picture, random, noise), field) if noise else (earlier, picture, field)


def things(sources):
    random = np.random.default_rng(3)
    for i, ground in enumerate(sources):
        other, field = sources[(i + 5) % len(sources)], np.zeros((HEIGHT, WIDTH, 2), np.float32)
        pair = [ground.astype(np.float32).copy() for _ in range(2)]
        for _ in range(20):
            x, y, dx, dy = random.uniform(60, 580), random.uniform(80, 400), random.uniform(-8, 8), random.uniform(-4, 4)
            r, sx, sy = random.uniform(9, 16), random.uniform(-40, 40), random.uniform(-40, 40)
            for picture, mx, my in ((pair[0], 0, 0), (pair[1], dx, dy)):
                inside = ((GRID[1] - x - mx) / r) ** 2 + ((GRID[0] - y - my) / (3 * r)) ** 2 < 1
                texture = cv2.remap(other, GRID[1] + sx - mx, GRID[0] + sy - my, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
                picture[inside] = texture[inside]
                if picture is pair[0]:
                    field[inside] = dx, dy
        yield noisy(pair[0], random, 2), noisy(pair[1], random, 2), field


def error_of(found, field):
    off = np.hypot(*np.moveaxis(found - field, 2, 0))[BORDER:-BORDER, BORDER:-BORDER]
    moving = (np.abs(field).sum(2) > 0.01)[BORDER:-BORDER, BORDER:-BORDER]
    return off.mean(), off[moving].mean()


def peer(algorithm, pairs):
    errors, times = [], []
    for earlier, later, field in pairs:
        best = 1e9
        for _ in range(3):
            start = time.thread_time()
            found = algorithm.calc(earlier, later, None)
            best = min(best, time.thread_time() - start)
        errors.append(error_of(found, field))
        times.append(best * 1e3)
    return dict(error=np.mean([e[0] for e in errors]), moving=np.mean([e[1] for e in errors]), both_ms=np.mean(times))


def ours(files):
    line = subprocess.run([PROGRAM, str(WIDTH), str(HEIGHT)] + files, check=True, capture_output=True, text=True).stdout
    return {key: float(value) for key, value in (word.split("=") for word in line.split())}


def report(name, row):
    extra = f", known cells {row['known']:.3f} ({100 * row['share']:.0f} %), next picture {row['next_ms']:.2f} ms" if "known" in row else ""
    print(f"  {name:14s} error {row['error']:.3f} px, where it moves {row['moving']:.3f}, {row['both_ms'] or row['next_ms']:.2f} ms{extra}", flush=True)


def run_set(name, pairs, folder):
    pairs, files = list(pairs), []
    for i, (earlier, later, field) in enumerate(pairs):
        files.append(str(folder / f"{name}_{i:02d}.pair"))
        pathlib.Path(files[-1]).write_bytes(earlier.tobytes() + later.tobytes() + field.astype(np.float32).tobytes())
    print(f"{name}: {len(pairs)} pairs")
    rows = {}
    for _ in range(ROUNDS if name == "smooth" else 1):
        rows.setdefault("sci", []).append(ours(files))
        for label, preset in PEERS.items():
            if label != "DIS medium" or len(rows["sci"]) == 1:
                rows.setdefault(label, []).append(peer(cv2.DISOpticalFlow_create(preset), pairs))
    for label, runs in rows.items():
        report(label, {key: statistics.median(run[key] for run in runs) for key in runs[0]})
    for label in ("DIS ultrafast", "DIS fast"):
        ratios = sorted(a["both_ms"] / b["both_ms"] for a, b in zip(rows["sci"], rows[label]))
        print(f"  time of sci over {label}, run by run: {' '.join(f'{r:.2f}' for r in ratios)}")


def steps(name, sources):
    """Four pictures, a third of the motion apart, and the whole motion."""
    if name == "things":
        for pictures, field in things_in_steps(sources):
            yield pictures, field
        return
    random = np.random.default_rng(1)
    for picture in sources:
        field = smooth_field(random, 40, 9)
        yield [moved(picture, field * (1 - k / 3)) for k in range(3)] + [picture], field


def things_in_steps(sources):
    random = np.random.default_rng(3)
    for i, ground in enumerate(sources):
        other, field = sources[(i + 5) % len(sources)], np.zeros((HEIGHT, WIDTH, 2), np.float32)
        four = [ground.astype(np.float32).copy() for _ in range(4)]
        for _ in range(20):
            x, y, dx, dy = random.uniform(60, 580), random.uniform(80, 400), random.uniform(-8, 8), random.uniform(-4, 4)
            r, sx, sy = random.uniform(9, 16), random.uniform(-40, 40), random.uniform(-40, 40)
            for k, picture in enumerate(four):
                mx, my = k / 3 * dx, k / 3 * dy
                inside = ((GRID[1] - x - mx) / r) ** 2 + ((GRID[0] - y - my) / (3 * r)) ** 2 < 1
                picture[inside] = cv2.remap(other, GRID[1] + sx - mx, GRID[0] + sy - my, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)[inside]
                if k == 0:
                    field[inside] = dx, dy
        yield [noisy(picture, random, 2) for picture in four], field


def run_coded(name, sources, folder):
    files, size = [], 0
    for i, (four, field) in enumerate(steps(name, sources)):
        files.append(str(folder / f"coded_{name}_{i:02d}.pair"))
        pathlib.Path(files[-1]).write_bytes(four[0].tobytes() + four[-1].tobytes() + field.astype(np.float32).tobytes())
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}", "-r", "25", "-i", "-",
                        "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-crf", os.environ.get("CODED_CRF", "28"), "-refs", "1",
                        "-bf", "0", "-x264-params", "scenecut=0", files[-1] + ".mp4"],
                       input=b"".join(p.tobytes() for p in four[:1] + four), check=True)
        size += os.path.getsize(files[-1] + ".mp4") / 5
    print(f"{name}, coded: {len(files)} clips of 5 pictures, {size / len(files) / 1000:.1f} kB each")
    out = subprocess.run([PROGRAM, "coded", str(WIDTH), str(HEIGHT)] + files, check=True, capture_output=True, text=True).stdout
    for line in out.splitlines():
        label, *words = line.split()
        report(label, {"both_ms": 0, **{key: float(value) for key, value in (word.split("=") for word in words)}})


def main():
    cv2.setNumThreads(1)
    sources = pictures()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("smooth", "things"):
            run_coded(name, sources, folder)
        if os.environ.get("CODED_ONLY"):
            return
        run_set("smooth", smooth(sources), folder)
        run_set("finer", smooth(sources, 20, 8), folder)
        run_set("noise", smooth(sources, noise=4), folder)
        run_set("things", things(sources), folder)


if __name__ == "__main__":
    main()
