#!/usr/bin/python3
"""Compute the table of activation ranges that quantize_int8.py applies.

  calibrate_ranges.py --ort libonnxruntime.so.1 --size 512x384 --out nanodet_g_ranges.json \
      nanodet_g.onnx street/*.png square/*.jpg ...

Needs Debian's python3-numpy, python3-onnx and python3-pil, and an ONNX Runtime library. This is done
once, when the network or the calibration pictures change; set-up only applies the table.

The range of a tensor is the least and the greatest value seen on any picture, zero included,
rounded outwards to three digits. A range that is too narrow clips, and a clipped last layer caps
every score of the detector: ranges from pictures without people limit scores to .64, and no tracker would
ever start a track. So the pictures must show people, near and far.
"""
import argparse
import json

import numpy as np
import onnx
from onnx import TensorProto, helper
from PIL import Image

import ortlite
from quantize_int8 import activations

MEAN_BGR = np.float32([103.53, 116.28, 123.675])
STD_BGR = np.float32([57.375, 57.12, 58.395])
BATCH = 20  # tensors observed per session: bounds the memory


def network_input(path, width, height):
    """A picture as the network wants it: resized, BGR, normalised, 1 x 3 x H x W."""
    image = Image.open(path).convert("RGB").resize((width, height), Image.BILINEAR)
    x = (np.asarray(image)[:, :, ::-1].astype(np.float32) - MEAN_BGR) / STD_BGR
    return np.ascontiguousarray(x.transpose(2, 0, 1)[None])


def observe(runtime, model, names, pictures, size):
    """{tensor: [(least, greatest) per picture]}."""
    seen = {t: [] for t in names}
    for start in range(0, len(names), BATCH):
        part = onnx.ModelProto()
        part.CopyFrom(model)
        batch = names[start:start + BATCH]
        inner = [t for t in batch if t != model.graph.input[0].name]
        part.graph.output.extend(helper.make_tensor_value_info(t, TensorProto.FLOAT, None) for t in inner)
        session = ortlite.Session(runtime, part.SerializeToString())
        for path in pictures:
            x = network_input(path, *size)
            got = session.run(x)
            got[model.graph.input[0].name] = x
            for t in batch:
                seen[t].append((float(got[t].min()), float(got[t].max())))
        session.close()
        print("  observed %d of %d tensors" % (min(start + BATCH, len(names)), len(names)), flush=True)
    return seen


def rounded_out(low, high):
    """The range in three significant digits, never narrower."""
    def outward(v, up):
        if v == 0:
            return 0.0
        unit = 10.0 ** (np.floor(np.log10(abs(v))) - 2)
        return float("%.3g" % ((np.ceil if up else np.floor)(v / unit) * unit))
    return [outward(min(low, 0.0), False), outward(max(high, 0.0), True)]


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    ap.add_argument("--ort", required=True, help="an ONNX Runtime shared library")
    ap.add_argument("--size", default="512x384", help="WIDTHxHEIGHT fed to the network")
    ap.add_argument("--out", required=True, help="the table to write")
    ap.add_argument("model", help="the float ONNX file")
    ap.add_argument("pictures", nargs="+", help="pictures with people in them")
    args = ap.parse_args()
    size = tuple(int(v) for v in args.size.split("x"))
    runtime = ortlite.Runtime(args.ort)
    model = onnx.load(args.model)
    names = activations(model.graph)
    seen = observe(runtime, model, names, args.pictures, size)
    ranges = {t: rounded_out(min(v[0] for v in seen[t]), max(v[1] for v in seen[t])) for t in names}
    with open(args.out, "w", encoding="utf-8") as fh:
        json.dump({"network": "nanodet_g", "size": args.size, "pictures": len(args.pictures), "ranges": ranges},
                  fh, indent=1)
        fh.write("\n")
    print("%s: %d tensors, %d pictures" % (args.out, len(ranges), len(args.pictures)))


if __name__ == "__main__":
    main()
