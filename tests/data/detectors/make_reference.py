#!/usr/bin/python3
"""Writes reference.json: the boxes that each detector family's outputs stand for, decoded with numpy.

Written from the families' own descriptions, apart from src/vision: whole grids at a time, in double precision. The outputs are
made-up numbers from a formula (`hashed`) that tests/vision/test_families.c knows too, so only the boxes are stored.
Needs Debian's python3-numpy.
"""
import json
import os

import numpy as np


def hashed(seed, count):
    """`count` integers from 0 to 20000."""
    x = (np.arange(count, dtype=np.uint64) + np.uint64(1)) * np.uint64(2654435761) + np.uint64(seed) * np.uint64(40503)
    x &= np.uint64(0xFFFFFFFF)
    x ^= x >> np.uint64(15)
    x = (x * np.uint64(2246822519)) & np.uint64(0xFFFFFFFF)
    x ^= x >> np.uint64(13)
    return (x % np.uint64(20001)).astype(np.float32)


def probability(h):
    return (h / np.float32(20000)).astype(np.float64)


def logit(h):
    return ((h - np.float32(10000)) / np.float32(2500)).astype(np.float64)


def pixel(h):
    return (h / np.float32(100)).astype(np.float64)


def points(width, height, stride, shift):
    """Cell points of a grid, row by row."""
    y, x = np.mgrid[0:-(-height // stride), 0:-(-width // stride)]
    return (x.ravel() + shift) * stride, (y.ravel() + shift) * stride


def distances(logits):
    """n x 4 x bins -> n x 4 expected values."""
    e = np.exp(logits - logits.max(axis=2, keepdims=True))
    return (e * np.arange(logits.shape[2])).sum(axis=2) / e.sum(axis=2)


def boxes_from_sides(x, y, sides):
    return np.stack([x - sides[:, 0], y - sides[:, 1], x + sides[:, 2], y + sides[:, 3]], axis=1)


def boxes_from_centres(c):
    return np.stack([c[:, 0] - c[:, 2] / 2, c[:, 1] - c[:, 3] / 2, c[:, 0] + c[:, 2] / 2, c[:, 1] + c[:, 3] / 2], axis=1)


def nanodet(width, height, classes, bins=11):
    scores, boxes = [], []
    for i, stride in enumerate((8, 16, 32)):
        x, y = points(width, height, stride, 0.5)
        scores.append(probability(hashed(100 + i, x.size * classes)).reshape(x.size, classes)[:, 0])
        sides = distances(logit(hashed(103 + i, x.size * 4 * bins)).reshape(x.size, 4, bins)) * stride
        boxes.append(boxes_from_sides(x, y, sides))
    return np.concatenate(scores), np.concatenate(boxes)


def nanodet_plus(width, height, classes):
    grids = [points(width, height, s, 0) + (s,) for s in (8, 16, 32, 64)]
    n = sum(g[0].size for g in grids)
    rows = hashed(200, n * (classes + 32)).reshape(n, classes + 32)
    x, y = (np.concatenate([g[k] for g in grids]) for k in (0, 1))
    stride = np.concatenate([np.full(g[0].size, g[2]) for g in grids])
    sides = distances(logit(rows[:, classes:]).reshape(n, 4, 8)) * stride[:, None]
    return probability(rows[:, 0]), boxes_from_sides(x, y, sides)


def cells(width, height):
    return sum((width // s) * (height // s) for s in (8, 16, 32))


def yolov5(width, height, classes):
    n = 3 * cells(width, height)
    rows = hashed(300, n * (5 + classes)).reshape(n, 5 + classes)
    return probability(rows[:, 4]) * probability(rows[:, 5]), boxes_from_centres(pixel(rows[:, :4]))


def yolov8(width, height, classes):
    n = cells(width, height)
    rows = hashed(400, n * (4 + classes)).reshape(4 + classes, n)
    return probability(rows[4]), boxes_from_centres(pixel(rows[:4].T))


def yolox(width, height, classes):
    n = cells(width, height)
    rows = hashed(500, n * (5 + classes)).reshape(n, 5 + classes)
    grids = [points(width, height, s, 0) + (s,) for s in (8, 16, 32)]
    corner = np.stack([np.concatenate([g[k] for g in grids]) for k in (0, 1)], axis=1)
    stride = np.concatenate([np.full(g[0].size, g[2]) for g in grids])[:, None]
    xy = logit(rows[:, 0:2]) * stride + corner
    wh = np.exp(logit(rows[:, 2:4])) * stride
    return probability(rows[:, 4]) * probability(rows[:, 5]), boxes_from_centres(np.concatenate([xy, wh], axis=1))


def main():
    threshold = 0.875
    cases = []
    for name, decode in {"nanodet": nanodet, "nanodet-plus": nanodet_plus, "yolov5": yolov5, "yolov8": yolov8,
                         "yolox": yolox}.items():
        for width, height, classes in ((96, 64, 80), (160, 224, 1), (32, 32, 3)):
            scores, boxes = decode(width, height, classes)
            # Away from the threshold, so that float and double agree about who is in.
            assert (abs(scores - threshold) > 1e-6).all()
            chosen = np.flatnonzero(scores >= threshold)
            cases.append({"family": name, "width": width, "height": height, "classes": classes,
                          "boxes": [[round(float(v), 5) for v in (*boxes[i], scores[i])] for i in chosen]})
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference.json")
    with open(path, "w") as out:
        out.write('{"threshold": %g, "cases": [\n' % threshold)
        out.write(",\n".join(json.dumps(c) for c in cases))
        out.write("\n]}\n")


main()
