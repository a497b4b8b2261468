#!/usr/bin/python3
"""Count the held-out pictures of a run with its averaged weights.

  evaluate.py --data var/count/data --run var/count/run --json errors.json --long-side 1280

Mean absolute error and root mean square error per part and by size of the crowd. With runs of all folds (`--run` given several times, each
with its own held-out fold) the errors are pooled: that is the cross-validation.
"""
import argparse
import json
import os

import numpy as np
import torch

from data import load_index, normalised, resized
from network import STRIDE
from networks import of_checkpoint

BANDS = (0, 50, 100, 200, 300, 600, 1e9)


def padded(x, multiple=32):
    """3 x H x W with zeros (the mean colour) at the right and the bottom."""
    pad = [(0, 0)] + [(0, -s % multiple) for s in x.shape[1:]]
    return np.pad(x, pad)


def grown(bgr, long_side):
    """A picture whose longer side is below that grows to it, at most twofold, as the program does it (src/vision/density.h)."""
    height, width = bgr.shape[:2]
    factor = min(2.0, max(1.0, long_side / max(height, width)))
    return resized(bgr, round(width * factor), round(height * factor))


def density_of(net, bgr):
    """(people per cell of the picture, people per cell by the second head)"""
    height, width = bgr.shape[:2]
    x = torch.from_numpy(padded(normalised(bgr)))[None].contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        density, _, total, _ = net(x)
    rows, columns = -(-height // STRIDE), -(-width // STRIDE)
    return density[0, 0, :rows, :columns].numpy(), float(torch.exp(total[0, 0]))


def count_picture(net, bgr, long_side=0):
    cells, rate = density_of(net, grown(bgr, long_side))
    return float(cells.sum(dtype=np.float64)), rate * cells.size


def held_out(net, folder, fold, long_side=0, gain=1.0):
    """[{name, part, true, count, rate_count}] of one fold."""
    net.eval()
    rows = []
    for entry in load_index(folder)["pictures"]:
        if entry["fold"] == fold:
            count, rate = count_picture(net, np.load(os.path.join(folder, entry["name"] + ".npy")), long_side)
            rows.append({"name": entry["name"], "part": entry["part"], "true": entry["heads"],
                         "count": round(count * gain, 2), "rate_count": round(rate * gain, 2)})
    return rows


def errors(rows):
    e = np.array([r["count"] - r["true"] for r in rows])
    return {"pictures": len(rows), "mae": round(float(np.abs(e).mean()), 2), "rmse": round(float(np.sqrt((e**2).mean())), 2),
            "bias": round(float(e.mean()), 2)} if len(rows) else {"pictures": 0}


def summary(rows):
    out = {part: errors([r for r in rows if r["part"] == part]) for part in "AB"}
    for low, high in zip(BANDS, BANDS[1:]):
        chosen = [r for r in rows if low <= r["true"] < high]
        if chosen:
            out["%d-%s" % (low, "" if high > 1e8 else int(high) - 1)] = errors(chosen)
    return out


def load_run(run):
    state = torch.load(os.path.join(run, "checkpoint.pt"), map_location="cpu")
    return of_checkpoint(state).to(memory_format=torch.channels_last), state


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    ap.add_argument("--data", required=True)
    ap.add_argument("--run", action="append", required=True)
    ap.add_argument("--json", help="write one row per picture")
    ap.add_argument("--long-side", type=int, default=0, help="smaller pictures grow to it first, as the program does it")
    ap.add_argument("--gain", type=float, default=1.0, help="counts are multiplied by it (export.py --gain)")
    ap.add_argument("--fold", type=int, help="another fold than the held-out one: errors on pictures that were trained on, to choose the gain by")
    ap.add_argument("--threads", type=int, default=1)
    args = ap.parse_args()
    torch.set_num_threads(args.threads)
    rows = []
    for run in args.run:
        net, state = load_run(run)
        rows += held_out(net, args.data, state["fold"] if args.fold is None else args.fold, args.long_side, args.gain)
    print(json.dumps(summary(rows), indent=1))
    if args.json:
        with open(args.json, "w", encoding="utf-8") as fh:
            json.dump(rows, fh, indent=0)


if __name__ == "__main__":
    main()
