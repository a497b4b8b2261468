#!/usr/bin/python3
"""Bring photographs without people into the folder that training reads.

  negatives.py --out var/count/negatives PICTURE...

The pictures must show nobody: whatever is in them is taught to be no person. Each is reduced to a long side of 1536 pixels.
"""
import argparse
import os

import numpy as np
from PIL import Image


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    ap.add_argument("--out", required=True)
    ap.add_argument("pictures", nargs="+")
    args = ap.parse_args()
    os.makedirs(args.out, exist_ok=True)
    for number, path in enumerate(args.pictures):
        image = Image.open(path).convert("RGB")
        image.thumbnail((1536, 1536), Image.BILINEAR)
        np.save(os.path.join(args.out, "%04d.npy" % number), np.asarray(image)[:, :, ::-1])
    print("%s: %d pictures" % (args.out, len(args.pictures)))


if __name__ == "__main__":
    main()
