#!/usr/bin/python3
"""Bring the pictures with marked heads into one folder that training reads quickly.

  prepare.py --data /path/to/shanghaitech --out var/count/data

Reads part_A/train and part_B/train (`IMG_n.jpg` with `IMG_n.csv`, a header and columns x, y in pixels) and writes each picture as
`A_n.npy` (height x width x 3, BGR, uint8) with `A_n_heads.npy` (x, y, sigma of the chosen kernel), and
`index.json`: name, part, size, heads, fold. Points outside their picture are clamped, never dropped. Folds are dealt by rank of the
count within each part, so that each has its share of sparse and of packed pictures.
"""
import argparse
import json
import os

import numpy as np
from PIL import Image

from targets import widths


def long_side(width, height, least):
    """The size a picture is counted at: small pictures grow until their long side is `least`, at most twofold."""
    factor = min(2.0, max(1.0, least / max(width, height)))
    return round(width * factor), round(height * factor)


def read_heads(path):
    text = np.genfromtxt(path, delimiter=",", skip_header=1, ndmin=2)
    return text.reshape(-1, 2).astype(np.float64)


def convert(jpg, csv, out, least, kernel):
    image = Image.open(jpg).convert("RGB")
    width, height = long_side(*image.size, least)
    scale = np.array([width / image.size[0], height / image.size[1]])
    heads = np.clip(read_heads(csv) * scale, 0.0, [width - 1e-3, height - 1e-3])
    if (width, height) != image.size:
        image = image.resize((width, height), Image.BILINEAR)
    np.save(out + ".npy", np.asarray(image)[:, :, ::-1])
    np.save(out + "_heads.npy", np.column_stack((heads, widths(heads, kernel))))
    return width, height, len(heads)


def deal_folds(entries, folds):
    for part in sorted({e["part"] for e in entries}):
        ranked = sorted((e for e in entries if e["part"] == part), key=lambda e: (e["heads"], e["name"]))
        for rank, entry in enumerate(ranked):
            entry["fold"] = (rank + rank // folds) % folds


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    ap.add_argument("--data", required=True, help="folder with part_A and part_B")
    ap.add_argument("--out", required=True)
    ap.add_argument("--kernel", choices=("fixed", "adaptive"), default="adaptive")
    ap.add_argument("--long-side", type=int, default=1024, help="small pictures grow to it, at most twofold")
    ap.add_argument("--folds", type=int, default=10)
    ap.add_argument("--limit", type=int, help="pictures per part, for a trial")
    args = ap.parse_args()
    os.makedirs(args.out, exist_ok=True)
    entries = []
    for part in "AB":
        folder = os.path.join(args.data, "part_" + part, "train")
        names = sorted((n[:-4] for n in os.listdir(folder) if n.endswith(".jpg")), key=lambda n: int(n.split("_")[1]))
        for name in names[:args.limit]:
            base = os.path.join(folder, name)
            key = part + "_" + name.split("_")[1]
            w, h, n = convert(base + ".jpg", base + ".csv", os.path.join(args.out, key), args.long_side, args.kernel)
            entries.append({"name": key, "part": part, "width": w, "height": h, "heads": n})
    deal_folds(entries, args.folds)
    with open(os.path.join(args.out, "index.json"), "w", encoding="utf-8") as fh:
        json.dump({"kernel": args.kernel, "long_side": args.long_side, "folds": args.folds, "pictures": entries}, fh, indent=0)
    print("%s: %d pictures, %d heads" % (args.out, len(entries), sum(e["heads"] for e in entries)))


if __name__ == "__main__":
    main()
