#!/usr/bin/python3
"""Trains the weights of the HOG detector (src/vision/hog_model.inc) on photographs with people's boxes and photographs without people.

    models/train_hog.py --people FOLDER [--avoid FILE] --empty FOLDER... [--folds 4] --out src/vision/hog_model.inc

FOLDER holds NAME.jpg with NAME.csv (xmin,ymin,xmax,ymax; a header). What nobody labelled may still be a person: --avoid names boxes of
another detector on the same photographs, in the order of their names (MOTChallenge text, as `sci eval detect --write` makes it); no
negative example is taken where they are. Needs Debian's gcc, python3-numpy, python3-scipy and python3-opencv. The features are the
program's own, compiled from src/vision. Deterministic.
"""
import argparse
import ctypes
import glob
import os
import subprocess
import sys
import tempfile

import cv2
import numpy as np
import scipy.optimize

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CELL, PAD, BINS, FEATURES = 4, 2, 9, 16      # as in src/vision/hog_kernels.h
USED = BINS + 4
COLUMNS, ROWS = 8, 16                        # cells of a window
PERSON = 52                                  # pixels of the window's 64 that a person is high
STEP = 2 ** (1 / 8)                          # between two scales
ONE = 2048.0
STAGE = 4                                    # rows of cells after which a hopeless window is given up


class Features:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        library = os.path.join(self.folder.name, "hog.so")
        names = ["hog_features", "hog_scalar", "hog_avx2", "resample", "preprocess_scalar", "preprocess_avx2"]
        subprocess.run(["gcc", "-O2", "-D_GNU_SOURCE", "-ffp-contract=off", "-shared", "-fPIC", "-I", os.path.join(ROOT, "src"), "-o", library,
                        os.path.join(ROOT, "models/hog_features_of.c"), *(os.path.join(ROOT, "src/vision", n + ".c") for n in names), "-lm",
                        *os.environ.get("HOG_FLAGS", "").split()],
                       check=True)
        loaded = ctypes.CDLL(library)
        self.call, self.sums = loaded.hog_features_of, loaded.hog_sums_of

    def __call__(self, grey):
        grey = np.ascontiguousarray(grey, np.uint8)
        height, width = grey.shape
        out = np.empty((height // CELL + 2 * PAD) * (width // CELL + 2 * PAD) * FEATURES, np.int16)
        size = (ctypes.c_int * 2)()
        if self.call(grey.ctypes.data_as(ctypes.c_void_p), width, height, out.ctypes.data_as(ctypes.c_void_p), size) != 0:
            raise MemoryError
        return out.reshape(size[1], size[0], FEATURES)

    def responses(self, cells, weights):
        """Sums over every window of the picture."""
        rows, columns = cells.shape[0] - ROWS + 1, cells.shape[1] - COLUMNS + 1
        out = np.empty((rows, columns), np.int32)
        whole, unit = whole_weights(weights)
        self.sums(cells.ctypes.data_as(ctypes.c_void_p), cells.shape[1], cells.shape[0], whole.astype(np.int16).ctypes.data_as(ctypes.c_void_p),
                  COLUMNS, ROWS, out.ctypes.data_as(ctypes.c_void_p))
        return out * np.float32(1 / (unit * ONE))


def whole_weights(weights):
    """Weights as integers, and what 1 became; no sum of theirs leaves 32 bits."""
    unit = min(8000 / np.abs(weights).max(), 2 ** 31 / (np.abs(weights).sum() * 0.43 * ONE))
    whole = np.zeros((ROWS, COLUMNS, FEATURES), np.int64)
    whole[:, :, :USED] = np.rint(weights * unit)
    return whole, unit


def window(cells, y, x):
    return cells[y:y + ROWS, x:x + COLUMNS, :USED].astype(np.float32) / ONE


# A window and its mirror image are the same example: bins 20 k degrees become 180 - 20 k, energies of left blocks those of right ones.
MIRROR = np.array([(BINS - k) % BINS for k in range(BINS)] + [BINS + b for b in (1, 0, 3, 2)])


def mirror(windows):
    return windows[..., ::-1, :][..., MIRROR]


def fold(windows):
    """Windows [..., ROWS, COLUMNS, USED] as the vectors that symmetric weights see."""
    both = windows + mirror(windows)
    return np.ascontiguousarray(both[..., :COLUMNS // 2, :]).reshape(*windows.shape[:-3], -1)


def unfold(w):
    half = w.reshape(ROWS, COLUMNS // 2, USED)
    full = np.zeros((ROWS, COLUMNS, USED), np.float32)
    full[:, :COLUMNS // 2] = half
    return full + mirror(full)


def scales(height, width):
    """Scaled sizes from the photograph's largest useful one down."""
    out, scale = [], 1.0
    while height * scale + 2 * PAD * CELL >= ROWS * CELL and width * scale + 2 * PAD * CELL >= COLUMNS * CELL:
        out.append((max(1, round(width * scale)), max(1, round(height * scale))))
        scale /= STEP
    return out


def person_boxes(y, x, scale_y, scale_x, aspect):
    """Boxes of people in windows at cells (y, x) of a level."""
    cx, cy = (np.asarray(x) - PAD + COLUMNS / 2) * CELL, (np.asarray(y) - PAD + ROWS / 2) * CELL
    w, h = PERSON * aspect, PERSON
    return np.stack([(cx - w / 2) / scale_x, (cy - h / 2) / scale_y, (cx + w / 2) / scale_x, (cy + h / 2) / scale_y], axis=-1)


def overlap(a, b):
    """Intersections over unions [len(a), len(b)]."""
    if len(a) == 0 or len(b) == 0:
        return np.zeros((len(a), len(b)))
    left, top = (np.maximum(a[:, None, k], b[None, :, k]) for k in (0, 1))
    right, bottom = (np.minimum(a[:, None, k], b[None, :, k]) for k in (2, 3))
    both = np.clip(right - left, 0, None) * np.clip(bottom - top, 0, None)
    area = [(v[:, 2] - v[:, 0]) * (v[:, 3] - v[:, 1]) for v in (a, b)]
    return both / (area[0][:, None] + area[1][None] - both)


class Photograph:
    def __init__(self, path, boxes, avoid, largest=1.6e6):
        grey = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
        shrink = min(1, (largest / grey.size) ** 0.5)
        if shrink < 1:
            grey = cv2.resize(grey, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        self.grey, self.path = grey, path
        self.boxes = np.asarray(boxes, np.float32).reshape(-1, 4) * shrink
        self.avoid = np.concatenate([self.boxes, np.asarray(avoid, np.float32).reshape(-1, 4) * shrink])


def positives(photograph, features, rng, copies):
    """Windows around each person, a little off in place and size, some of them blurred."""
    out = []
    grey = photograph.grey
    border = 300
    wide = cv2.copyMakeBorder(grey, border, border, border, border, cv2.BORDER_REPLICATE)
    for left, top, right, bottom in photograph.boxes + border:
        for copy in range(copies):
            size = (bottom - top) / PERSON * 2 ** rng.uniform(-1 / 12, 1 / 12)       # photograph pixels per window pixel
            cx = (left + right) / 2 + rng.uniform(-1.5, 1.5) * size
            cy = (top + bottom) / 2 + rng.uniform(-1.5, 1.5) * size
            w, h = (COLUMNS + 4) * CELL, (ROWS + 4) * CELL
            x0, y0 = round(cx - w / 2 * size), round(cy - h / 2 * size)
            x1, y1 = round(cx + w / 2 * size), round(cy + h / 2 * size)
            if x0 < 0 or y0 < 0 or x1 > wide.shape[1] or y1 > wide.shape[0]:
                continue
            crop = wide[y0:y1, x0:x1]
            middle = rng.choice([0, 1.3, 1.6])
            if middle and size > middle:      # as from a camera that shows the person not much larger
                crop = cv2.resize(crop, (round(w * middle), round(h * middle)), interpolation=cv2.INTER_AREA)
                crop = cv2.GaussianBlur(crop, (0, 0), 0.7)
            crop = cv2.resize(crop, (w, h), interpolation=cv2.INTER_AREA if crop.shape[0] > h else cv2.INTER_LINEAR)
            if rng.random() < 0.5:
                crop = cv2.imdecode(cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, 70])[1], cv2.IMREAD_GRAYSCALE)
            f = features(crop)
            out.append(window(f, PAD + 2, PAD + 2))
    return out


def allowed(boxes, photograph):
    """No person, labelled or suspected, is in the box, nor is the box in one, to any large part."""
    if len(photograph.avoid) == 0:
        return np.ones(len(boxes), bool)
    near = overlap(boxes, photograph.avoid).max(axis=1) < 0.25
    # A part of a person is a good negative example; a window inside a suspected crowd is not.
    return near


def random_negatives(photograph, features, rng, count, aspect):
    out = []
    height, width = photograph.grey.shape
    levels = scales(height, width)
    chosen = rng.integers(0, len(levels), count)
    for level in np.unique(chosen):
        w, h = levels[level]
        f = features(cv2.resize(photograph.grey, (w, h), interpolation=cv2.INTER_AREA))
        for _ in range((chosen == level).sum()):
            y, x = rng.integers(0, f.shape[0] - ROWS + 1), rng.integers(0, f.shape[1] - COLUMNS + 1)
            if allowed(person_boxes([y], [x], h / height, w / width, aspect), photograph)[0]:
                out.append(window(f, y, x))
    return out


def hard_negatives(photograph, features, model, aspect, threshold, most):
    weights, bias = model
    found = []
    height, width = photograph.grey.shape
    for w, h in scales(height, width):
        f = features(cv2.resize(photograph.grey, (w, h), interpolation=cv2.INTER_AREA))
        r = features.responses(f, weights) + bias
        ys, xs = np.nonzero(r > threshold)
        if len(ys) == 0:
            continue
        good = allowed(person_boxes(ys, xs, h / height, w / width, aspect), photograph)
        found += [(r[y, x], f, y, x) for y, x in zip(ys[good], xs[good])]
    found.sort(key=lambda item: -item[0])
    return [window(*item[1:]) for item in found[:most]]


def solve(positive, negative, cost, start=None):
    """Squared-hinge linear SVM, both classes weighted alike, by L-BFGS."""
    x = np.concatenate([positive, negative])
    y = np.concatenate([np.ones(len(positive)), -np.ones(len(negative))]).astype(np.float32)
    share = np.where(y > 0, 1.0 / len(positive), 3.0 / len(negative)).astype(np.float32) * cost

    def loss(v):
        w, bias = v[:-1].astype(np.float32), np.float32(v[-1])
        gap = np.maximum(0, 1 - y * (x @ w + bias))
        slope = -2 * share * y * gap
        value = 0.5 * float(w @ w) + float((share * gap * gap).sum())
        return value, np.append(w + x.T @ slope, slope.sum()).astype(np.float64)

    first = np.zeros(x.shape[1] + 1) if start is None else start
    result = scipy.optimize.minimize(loss, first, jac=True, method="L-BFGS-B", options={"maxiter": 100, "maxfun": 130})
    return result.x


def detect(photograph, features, model, aspect, threshold):
    """Boxes and margins after suppression."""
    weights, bias = model
    boxes, margins = [], []
    height, width = photograph.grey.shape
    for w, h in scales(height, width):
        r = features.responses(features(cv2.resize(photograph.grey, (w, h), interpolation=cv2.INTER_AREA)), weights) + bias
        ys, xs = np.nonzero(r > threshold)
        boxes.append(person_boxes(ys, xs, h / height, w / width, aspect))
        margins.append(r[ys, xs])
    boxes, margins = np.concatenate(boxes), np.concatenate(margins)
    order = np.argsort(-margins)
    kept = []
    while len(order):
        kept.append(order[0])
        order = order[1:][overlap(boxes[order[:1]], boxes[order[1:]])[0] < 0.45]
    return boxes[kept], margins[kept]


def score(photographs, features, model, aspect, threshold):
    """Sorted margins with whether each was a labelled person; suspected people count as neither. And how many there are."""
    rows, people = [], 0
    for p in photographs:
        boxes, margins = detect(p, features, model, aspect, threshold)
        people += len(p.boxes)
        free = np.ones(len(p.boxes), bool)
        o, suspected = overlap(boxes, p.boxes), overlap(boxes, p.avoid)
        for i in range(len(boxes)):
            best = np.argmax(np.where(free, o[i], -1)) if len(free) else -1
            if best >= 0 and free[best] and o[i, best] >= 0.5:
                free[best] = False
                rows.append((margins[i], True))
            elif suspected[i].max(initial=0) < 0.5:
                rows.append((margins[i], False))
    return sorted(rows, reverse=True), people


def best_f1(rows, people):
    best, at, right = 0, 0, 0
    for i, (margin, ok) in enumerate(rows):
        right += ok
        f1 = 2 * right / (i + 1 + people)
        if f1 > best:
            best, at = f1, margin
    return best, at


def train(photographs, empty, features, rng, options, say):
    aspect = options.aspect
    positive = fold(np.array([w for p in photographs for w in positives(p, features, rng, options.copies)]))
    everywhere = photographs + empty
    negative = fold(np.array([w for p in everywhere for w in random_negatives(p, features, rng, options.random, aspect)]))
    say("%d positive, %d random negative examples" % (len(positive), len(negative)))
    v = solve(positive, negative, options.cost)
    for round_number in range(options.rounds):
        model = unfold(v[:-1].astype(np.float32)), np.float32(v[-1])
        hard = [w for p in everywhere for w in hard_negatives(p, features, model, aspect, -0.9, options.hard)]
        # Those of earlier rounds that are easy by now only cost time.
        margin = negative @ v[:-1].astype(np.float32) + np.float32(v[-1])
        keep = margin > -1.3
        keep[rng.choice(len(keep), min(len(keep), 3000), replace=False)] = True
        negative = np.concatenate([negative[keep], fold(np.array(hard))]) if hard else negative
        v = solve(positive, negative, options.cost, v)
        say("round %d: %d hard negatives, %d in all" % (round_number + 1, len(hard), len(negative)))
    return unfold(v[:-1].astype(np.float32)), np.float32(v[-1])


def logistic_slope(rows):
    """How fast the odds of being a person grow with the margin, by logistic regression."""
    margin, person = (np.array([row[k] for row in rows], float) for k in (0, 1))

    def loss(v):
        z = v[0] * margin + v[1]
        p = 1 / (1 + np.exp(-z))
        return float(np.logaddexp(0, -np.where(person > 0, z, -z)).sum()), np.array([((p - person) * margin).sum(), (p - person).sum()])

    return scipy.optimize.minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B").x[0]


def stage_limits(held_out, order, middle):
    """Least sums (without the bias) after each stage of rows that all but a few people reach who would be found in the end. By models
    that had not seen them."""
    partial = []
    for (weights, bias), windows in held_out:
        rows = (windows * weights).sum(axis=(2, 3))[:, order].cumsum(axis=1)
        found = rows[:, -1] + bias > middle - 0.5
        partial.append(rows[found][:, [STAGE * (i + 1) - 1 for i in range(ROWS // STAGE - 1)]])
    return np.quantile(np.concatenate(partial), 0.002, axis=0)


def write_model(path, model, slope, middle, aspect, least_of):
    """The model as C; score = 1 / (1 + exp(-slope * (margin - middle)))."""
    weights, bias = model
    importance = np.abs(weights).sum(axis=(1, 2))
    order = np.argsort(-importance, kind="stable")
    whole, unit = whole_weights(weights)
    per_sum = 1 / (unit * ONE)                     # margin (without bias) per unit of the sum
    least = [int(np.floor(v / per_sum)) for v in least_of(weights, order)]
    with open(path, "w") as out:
        out.write("/* Written by models/train_hog.py. */\n")
        out.write("const struct hog_model hog_model = {\n")
        out.write("    .scale = %.9gF,\n    .bias = %.9gF,\n" % (slope * per_sum, slope * (bias - middle)))
        out.write("    .person_width = %.2fF,\n    .person_height = %.2fF,\n" % (PERSON * aspect, PERSON))
        out.write("    .order = {%s},\n" % ", ".join(map(str, order)))
        out.write("    .least = {%s},\n    .weights = {\n" % ", ".join(map(str, least)))
        for row in whole.reshape(ROWS, -1):
            out.write("        {%s},\n" % ", ".join(map(str, row)))
        out.write("    },\n};\n")


def read_people(options):
    avoid = {}
    if options.avoid:
        for row in np.loadtxt(options.avoid, delimiter=",", ndmin=2):
            if row[6] >= 0.2:
                avoid.setdefault(int(row[0]), []).append([row[2], row[3], row[2] + row[4], row[3] + row[5]])
    out = []
    for number, path in enumerate(sorted(glob.glob(os.path.join(options.people, "*.jpg")))):
        boxes = np.loadtxt(path[:-3] + "csv", delimiter=",", skiprows=1, ndmin=2)
        out.append(Photograph(path, boxes, avoid.get(number + 1, [])))
    return out


def read_empty(folders):
    paths = sorted(p for folder in folders for p in glob.glob(os.path.join(folder, "**/*.*"), recursive=True)
                   if p.lower().endswith((".jpg", ".png")) and cv2.haveImageReader(p))
    out, seen = [], set()
    for path in paths:
        # One size of each wallpaper.
        place = os.path.dirname(path)
        if place in seen and "images" in place:
            continue
        seen.add(place)
        p = Photograph(path, [], [], 0.8e6)
        if min(p.grey.shape) >= 300:
            out.append(p)
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", required=True)
    parser.add_argument("--avoid")
    parser.add_argument("--empty", nargs="*", default=[])
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--copies", type=int, default=8)
    parser.add_argument("--random", type=int, default=100)
    parser.add_argument("--hard", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cost", type=float, default=30)
    parser.add_argument("--aspect", type=float, default=0.38)
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    features = Features()
    rng = np.random.default_rng(1)
    people, empty = read_people(options), read_empty(options.empty)
    say = lambda text: print(text, flush=True)
    say("%d photographs with %d people, %d without" % (len(people), sum(len(p.boxes) for p in people), len(empty)))
    rows, count, held_out = [], 0, []
    for k in range(options.folds):
        model = train([p for i, p in enumerate(people) if i % options.folds != k], empty, features, rng, options, say)
        r, n = score(people[k::options.folds], features, model, options.aspect, -1.5)
        rows, count = rows + r, count + n
        held_out.append((model, np.array([w for p in people[k::options.folds] for w in positives(p, features, rng, options.copies)])))
        say("fold %d: best F1 %.3f at margin %.2f" % (k, *best_f1(sorted(r, reverse=True), n)))
    best, middle = best_f1(sorted(rows, reverse=True), count)
    slope = logistic_slope(rows)
    say("cross-validated: best F1 %.3f at margin %.2f, slope %.2f" % (best, middle, slope))
    model = train(people, empty, features, rng, options, say)
    write_model(options.out, model, slope, middle, options.aspect,
                lambda weights, order: stage_limits(held_out, order, middle))


main()
