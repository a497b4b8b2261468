#!/usr/bin/python3
"""What a network sees, as one picture: for each crowd the input, the truth and the map, with their counts.

  picture.py --data var/count/data --run var/count/run0 --out maps.jpg --long-side 1280 A_12 B_7

Without names: of the held-out fold, the picture of each part whose relative error is the median. Truth and map share one scale of colours.
"""
import argparse
import os

import numpy as np
import torch
from PIL import Image, ImageDraw

import targets
from data import load_index, resized
from evaluate import density_of, grown, held_out, load_run
from network import STRIDE

WIDTH = 400  # of one panel
COLOURS = np.float32([[0, 0, 40], [60, 20, 140], [190, 40, 110], [250, 140, 40], [255, 250, 170]])


def coloured(cells, most):
    """rows x columns people per cell to colours; the scale follows the root, so that sparse places show."""
    t = np.sqrt(np.clip(cells / most, 0, 1)) * (len(COLOURS) - 1)
    low = np.minimum(t.astype(int), len(COLOURS) - 2)
    part = (t - low)[..., None]
    return (COLOURS[low] * (1 - part) + COLOURS[low + 1] * part).astype(np.uint8)


def panel(picture, height, text):
    image = Image.fromarray(resized(picture, WIDTH, height))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 8 + 6 * len(text), 16), fill=(0, 0, 0))
    draw.text((4, 3), text, fill=(255, 255, 255))
    return np.asarray(image)


def row(net, folder, name, long_side, gain):
    bgr = np.load(os.path.join(folder, name + ".npy"))
    heads = np.load(os.path.join(folder, name + "_heads.npy"))
    larger = grown(bgr, long_side)
    heads = heads * (larger.shape[1] / bgr.shape[1])
    found = density_of(net, larger)[0] * gain
    height = round(bgr.shape[0] * WIDTH / bgr.shape[1])
    sigma = np.clip(heads[:, 2], targets.SIGMA_LEAST, targets.SIGMA_MOST)
    truth = targets.density(heads[:, :2], sigma, *found.shape, STRIDE)
    most = max(np.percentile(truth, 99.7), 1e-3)
    return np.concatenate((panel(bgr[:, :, ::-1], height, name), panel(coloured(truth, most), height, "truth %d" % len(heads)),
                           panel(coloured(found, most), height, "map %.0f" % found.sum())), 1)


def typical(net, folder, fold):
    """Of each part the held-out picture whose relative error is the median."""
    rows = held_out(net, folder, fold)
    out = []
    for part in "AB":
        mine = sorted((r for r in rows if r["part"] == part), key=lambda r: abs(r["count"] - r["true"]) / max(1, r["true"]))
        out.append(mine[len(mine) // 2]["name"])
    return out


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    ap.add_argument("--data", required=True)
    ap.add_argument("--run", required=True)
    ap.add_argument("--out", required=True)
    ap.add_argument("--long-side", type=int, default=0, help="as evaluate.py's")
    ap.add_argument("--gain", type=float, default=1.0, help="as evaluate.py's")
    ap.add_argument("names", nargs="*")
    args = ap.parse_args()
    torch.set_num_threads(1)
    net, state = load_run(args.run)
    net.eval()
    rows = [row(net, args.data, name, args.long_side, args.gain) for name in args.names or typical(net, args.data, state["fold"])]
    Image.fromarray(np.concatenate(rows, 0)).save(args.out, quality=80)


if __name__ == "__main__":
    main()
