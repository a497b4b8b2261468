#!/usr/bin/python3
"""A trained network as ONNX, float and INT8, with its error bar in it.

  export.py --run var/count/run --data var/count/data --errors errors.json --ort vendor/onnxruntime/lib/libonnxruntime.so.1 \
      --float var/count/crowdnet.onnx --int8 models/crowdnet_int8.onnx

Input `picture`, 1 x 3 x H x W (multiples of 32). Outputs: `density` 1 x 1 x H/8 x W/8, people per cell; `rate` 1 x 1, people per cell over the
whole input by the second head; `crowd` 1 x 4, probability of the classes; `interval` 1 x 3: the 90 % interval of a count n is
n - floor - share_low * n ... n + floor + share_high * n, so the error bar cannot be separated from the weights it belongs to.

The interval comes from `evaluate.py --json` on pictures that were not trained on: the shares are the quantiles that hold 95 % of them on either
side, one more picture than there is counted as outside (split conformal prediction). Compares PyTorch, float and INT8 on held-out pictures.
"""
import argparse
import json
import os
import sys

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import ortlite  # noqa: E402
from attach_head import attach, backbone_checksum  # noqa: E402
from calibrate_ranges import BATCH, rounded_out  # noqa: E402
from data import load_index, normalised  # noqa: E402
from detector_head import CHANNELS, TENSORS, DetectorHead  # noqa: E402
from evaluate import grown, load_run, padded  # noqa: E402
from network import Exported  # noqa: E402
from quantize_int8 import activations, quantise  # noqa: E402

RARE = 1e-4  # share of a tensor's values, at either end, that may be cut off in INT8
FLOOR = 2.0  # people: the least half-width of the interval


def interval(rows, miss=0.05):
    """(floor, share_low, share_high) of the count."""
    count = np.array([max(r["count"], 1.0) for r in rows])
    true = np.array([r["true"] for r in rows])
    low = np.sort(np.maximum(0, count - true - FLOOR) / count)
    high = np.sort(np.maximum(0, true - count - FLOOR) / count)
    rank = min(len(rows) - 1, int(np.ceil((1 - miss) * (len(rows) + 1))) - 1)
    return FLOOR, min(1.0, float(low[rank])), float(high[rank])


def covered(rows, bar):
    floor, low, high = bar
    inside = [r["count"] * (1 - low) - floor <= r["true"] <= r["count"] * (1 + high) + floor for r in rows]
    return float(np.mean(inside))


def cross_covered(rows, folds=5):
    """Share of the pictures inside an interval that was made from the others."""
    got = []
    for k in range(folds):
        bar = interval([r for i, r in enumerate(rows) if i % folds != k])
        got += [covered([r], bar) for i, r in enumerate(rows) if i % folds == k]
    return float(np.mean(got))


def constants_to_initializers(graph):
    """The quantiser tells a constant from a result by where it stands."""
    kept = []
    for node in graph.node:
        node.ClearField("doc_string")
        if node.op_type == "Constant":
            value = node.attribute[0].t
            value.name = node.output[0]
            graph.initializer.append(value)
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)


def to_onnx(net, path, bar, gain=1.0):
    """The whole network; of a head on the detector only the head, whose inputs are the detector's tensors."""
    names, example = ["picture"], (torch.zeros(1, 3, 64, 96),)
    if isinstance(net, DetectorHead):
        net, names, example = net.head, list(TENSORS), (torch.zeros(1, CHANNELS, 8, 12),) * 2
    net = Exported(net.to(memory_format=torch.contiguous_format), gain).eval()
    size = {2: "height", 3: "width"}
    torch.onnx.export(net, example, path, opset_version=13, input_names=names, output_names=["density", "rate", "crowd"],
                      dynamic_axes=dict({n: size for n in names}, density={2: "rows", 3: "columns"}))
    model = onnx.load(path)
    model.graph.node.append(helper.make_node("Identity", ["interval_90"], ["interval"]))
    model.graph.initializer.append(numpy_helper.from_array(np.array([bar], np.float32), "interval_90"))
    model.graph.output.append(helper.make_tensor_value_info("interval", TensorProto.FLOAT, [1, 3]))
    model.producer_name, model.producer_version, model.graph.name = "sci export", "", "crowd_density"
    constants_to_initializers(model.graph)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return model


def observe(runtime, model, names, inputs):
    """{tensor: [least, greatest]} over the inputs, but for the rarest values of each: a range that holds every last one is so wide that the
    others lose their digits. On 70 pictures counts move by 1.7 % on average and by 5.1 % at worst (float to INT8); at a fifth of RARE by 2.6 and 9.3."""
    seen = {t: [] for t in names}
    for start in range(0, len(names), BATCH):
        part = onnx.ModelProto()
        part.CopyFrom(model)
        batch = [t for t in names[start:start + BATCH] if t != "picture"]
        part.graph.output.extend(helper.make_tensor_value_info(t, TensorProto.FLOAT, None) for t in batch)
        session = ortlite.Session(runtime, part.SerializeToString())
        for x in inputs:
            got = session.run(x)
            for t in batch:
                seen[t].append(tuple(np.quantile(got[t][..., ::2, ::2] if got[t].ndim == 4 else got[t], (RARE, 1 - RARE))))
        session.close()
    if "picture" in names:
        seen["picture"] = [(float(x.min()), float(x.max())) for x in inputs]
    return {t: rounded_out(min(v[0] for v in seen[t]), max(v[1] for v in seen[t])) for t in names}


def through_pooling(graph, ranges):
    """A maximum is one of its inputs: in their range it is taken of bytes as they are, else it is worked out in float (three times the memory)."""
    return dict(ranges, **{n.output[0]: ranges[n.input[0]] for n in graph.node if n.op_type == "MaxPool"})


def calibration_inputs(folder, fold, count, seed, long_side):
    """Training pictures of both parts, in the size they are counted at; and the whole range of the input."""
    rng = np.random.default_rng(seed)
    pictures = [e for e in load_index(folder)["pictures"] if e["fold"] != fold]
    chosen = rng.choice(len(pictures), min(count, len(pictures)), replace=False)
    inputs = [padded(normalised(grown(np.load(os.path.join(folder, pictures[i]["name"] + ".npy")), long_side)))[None] for i in sorted(chosen)]
    extremes = np.zeros((64, 64, 3), np.uint8)
    extremes[:, 32:] = 255
    return inputs + [normalised(extremes)[None]]


def head_on_detector(runtime, head, args, inputs):
    """INT8 of both together. The detector keeps its own ranges, so that its boxes stay what they were."""
    detector = onnx.load(args.detector)
    head.metadata_props.add(key="backbone_sha256", value=backbone_checksum(detector.graph, TENSORS))
    onnx.save(head, getattr(args, "float"))
    whole = attach(detector, head)
    with open(args.detector_ranges, encoding="utf-8") as fh:
        ranges = json.load(fh)["ranges"]
    own = observe(runtime, whole, [t for t in activations(whole.graph) if t not in ranges], inputs)
    with open(args.ranges, "w", encoding="utf-8") as fh:
        json.dump({"network": "crowdhead", "ranges": own}, fh, indent=1)
        fh.write("\n")
    return quantise(whole, dict(ranges, **own))


def compare(net, gain, sessions, folder, fold, most):
    for entry in [e for e in load_index(folder)["pictures"] if e["fold"] == fold][:most]:
        x = padded(normalised(np.load(os.path.join(folder, entry["name"] + ".npy"))))[None]
        with torch.no_grad():
            want = net(torch.from_numpy(x))[0].numpy() * gain
        got = [s.run(x)["density"] for s in sessions]
        print("%s true %d: PyTorch %.2f, float %.2f (cell %.1e), INT8 %.2f" % (
            entry["name"], entry["heads"], want.sum(), got[0].sum(), np.abs(got[0] - want).max(), got[1].sum()))


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    for name in ("--run", "--data", "--errors", "--ort", "--float", "--int8"):
        ap.add_argument(name, required=True)
    ap.add_argument("--detector", help="float ONNX file of the detector; with a run of --network head, --float is then the head alone, "
                    "--int8 the detector with the head, and --ranges the table for set-up")
    ap.add_argument("--detector-ranges", default=os.path.join(os.path.dirname(__file__), "../nanodet_g_ranges.json"))
    ap.add_argument("--gain", type=float, default=1.0, help="counts are multiplied by it; the errors in --errors with the same (evaluate.py --gain)")
    ap.add_argument("--long-side", type=int, default=0, help="as evaluate.py's, for the activation ranges")
    ap.add_argument("--ranges", help="write the head's activation ranges here")
    ap.add_argument("--pictures", type=int, default=48, help="training pictures for the activation ranges")
    ap.add_argument("--compare", type=int, default=6)
    args = ap.parse_args()
    torch.set_num_threads(1)
    net, state = load_run(args.run)
    with open(args.errors, encoding="utf-8") as fh:
        rows = json.load(fh)
    bar = interval(rows)
    print("interval %s; inside: %.3f, from the others' bar %.3f" % (np.round(bar, 3), covered(rows, bar), cross_covered(rows)))
    model = to_onnx(net, getattr(args, "float"), bar, args.gain)
    runtime = ortlite.Runtime(args.ort)
    inputs = calibration_inputs(args.data, state["fold"], args.pictures, 1, args.long_side)
    small = head_on_detector(runtime, model, args, inputs) if args.detector else quantise(
        model, through_pooling(model.graph, observe(runtime, model, activations(model.graph), inputs)), four_channels=True)
    onnx.checker.check_model(small)
    onnx.save(small, args.int8)
    with open(getattr(args, "float"), "rb") as a, open(args.int8, "rb") as b:
        sessions = [ortlite.Session(runtime, f.read()) for f in (a, b)]
    if args.detector:
        sessions[0] = ortlite.Session(runtime, attach(onnx.load(args.detector), onnx.load(getattr(args, "float"))).SerializeToString())
    compare(net.eval(), args.gain, sessions, args.data, state["fold"], args.compare)
    for path in (getattr(args, "float"), args.int8):
        print("%s: %d bytes" % (path, os.path.getsize(path)))


if __name__ == "__main__":
    main()
