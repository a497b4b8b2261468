#!/usr/bin/python3
"""Convert NanoDet's TensorFlow.js graph model (model.json and its weight file) to ONNX.

  tfjs_to_onnx.py nanodet.json nanodet_g.onnx

Needs Debian's python3-numpy and python3-onnx, and nothing else: no runtime, no network. The result
depends on the two input files alone, down to the byte.

The published graph went from ONNX through TensorFlow, which left a pair of transposes around every
convolution (N C H W outside, N H W C inside) and the padding and the bias in operators of their own. The
walk below keeps every picture-like tensor as N C H W under its ONNX name and remembers only how
TensorFlow looks at it, so a transpose costs nothing; padding waits for the convolution or pooling
that it belongs to and becomes its attribute; a bias joins its convolution.

Height and width of the input become free (multiples of 32): each resize to a constant size becomes
a resize by the ratio that it has at the published 416 x 416, and the reshapes at the end take
whatever number of cells there is. An operator outside this network's list stops with its name.
"""
import argparse
import base64
import json
import os
from collections import namedtuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 13
STORED = {"float32": np.float32, "float16": np.float16, "int32": np.int32}
CHANNELS_LAST, CHANNELS_FIRST, SWAP_LAST_TWO = [0, 2, 3, 1], [0, 3, 1, 2], [0, 2, 1]

# A tensor of the graph: its ONNX name (N C H W if it has four axes), whether TensorFlow sees it as
# N H W C, padding not yet applied (top, left, bottom, right and the fill), and its height and width
# at the published input size.
Value = namedtuple("Value", "name last pads fill size")


def load_model(path):
    """(graph description, {weight name: array}) of a model.json and the files it names."""
    with open(path, encoding="utf-8") as fh:
        doc = json.load(fh)
    weights = {}
    for group in doc["weightsManifest"]:
        blob = b""
        for part in group["paths"]:
            with open(os.path.join(os.path.dirname(os.path.abspath(path)), part), "rb") as fh:
                blob += fh.read()
        pos = 0
        for w in group["weights"]:
            stored = w.get("quantization", w)["dtype"]  # halves are the only "quantisation" read
            if stored not in STORED:
                raise SystemExit("weight %s: stored as %s" % (w["name"], stored))
            dtype = np.dtype(STORED[stored])
            count = int(np.prod(w["shape"], dtype=np.int64))
            weights[w["name"]] = np.frombuffer(blob, dtype, count, pos).reshape(w["shape"]).astype(STORED[w["dtype"]])
            pos += count * dtype.itemsize
    return doc, weights


def attribute(node, key, default=None):
    value = node.get("attr", {}).get(key)
    if value is None:
        return default
    if "list" in value:
        return [int(i) for i in value["list"].get("i", [])]
    if "s" in value:
        return base64.b64decode(value["s"]).decode()
    return value.get("f", value.get("b", value.get("i", default)))


def constant(value):
    return isinstance(value, np.ndarray)


class Converter:
    def __init__(self, doc, weights):
        self.source = {n["name"]: n for n in doc["modelTopology"]["node"]}
        self.weights = weights
        self.nodes, self.initializers, self.done = [], {}, {}

    def const(self, name, array):
        self.initializers[name] = np.ascontiguousarray(array)
        return name

    def emit(self, op, inputs, outputs=1, **attributes):
        """Append a node; its outputs are called after the operator and the node's place."""
        base = "%s_%d" % (op.lower(), len(self.nodes))
        names = [base] if outputs == 1 else ["%s_%d" % (base, i) for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, name=base, **attributes))
        return names

    # -- one method per kind of operator: (node, its inputs) -> Value, array or list of Values --
    def transpose(self, node, v):
        x, perm = v[0], [int(i) for i in v[1]]
        if perm == CHANNELS_LAST and not x.last:
            return x._replace(last=True)
        if perm == CHANNELS_FIRST and x.last:
            return x._replace(last=False)
        if perm == SWAP_LAST_TWO:
            return x._replace(name=self.emit("Transpose", [x.name], perm=perm)[0])
        raise SystemExit("%s: transpose %s" % (node["name"], perm))

    def pad(self, node, v):
        x, p = v[0], v[1].tolist()
        fill = float(v[2]) if len(v) > 2 else 0.0
        if x.last or x.pads or p[0] != [0, 0] or p[1] != [0, 0]:
            raise SystemExit("%s: padding %s" % (node["name"], p))
        return x._replace(pads=(p[2][0], p[3][0], p[2][1], p[3][1]), fill=fill)

    def window(self, node, x, kernel, stride, fill):
        """Attributes and result size of a sliding window; takes over the waiting padding."""
        if not x.last or attribute(node, "padding") != "VALID" or (x.pads and x.fill != fill):
            raise SystemExit("%s: layout or padding" % node["name"])
        pads = x.pads or (0, 0, 0, 0)
        size = tuple((x.size[i] + pads[i] + pads[i + 2] - kernel[i]) // stride[i] + 1 for i in (0, 1))
        return dict(kernel_shape=kernel, strides=stride, pads=pads), size

    def conv(self, node, v):
        x, w = v
        if attribute(node, "dilations", [1, 1, 1, 1]) != [1, 1, 1, 1]:
            raise SystemExit("%s: dilation" % node["name"])
        how, size = self.window(node, x, list(w.shape[:2]), attribute(node, "strides")[1:3], 0.0)
        name = "conv_%d" % len(self.nodes)
        out = self.emit("Conv", [x.name, self.const(name + "_w", w.transpose(3, 2, 0, 1))], **how)[0]
        return Value(out, True, None, 0.0, size)

    def max_pool(self, node, v):
        how, size = self.window(node, v[0], attribute(node, "ksize")[1:3], attribute(node, "strides")[1:3], -np.inf)
        return Value(self.emit("MaxPool", [v[0].name], **how)[0], True, None, 0.0, size)

    def add(self, node, v):
        if all(constant(x) for x in v):
            return v[0] + v[1]
        a, b = v
        if constant(b):  # the bias of the convolution just made
            made = self.nodes[-1]
            if made.op_type != "Conv" or made.output[0] != a.name or b.ndim != 1 or not a.last:
                raise SystemExit("%s: adds a constant to what is no convolution" % node["name"])
            made.input.append(self.const(made.name + "_b", b))
            return a
        self.same_layout(node, v)
        return a._replace(name=self.emit("Add", [a.name, b.name])[0])

    def same_layout(self, node, values):
        if len({(x.last, x.size) for x in values}) != 1 or any(x.pads for x in values):
            raise SystemExit("%s: layouts or sizes differ" % node["name"])

    def resize(self, node, v):
        x, size = v[0], tuple(int(i) for i in v[1])
        if not x.last or x.pads or attribute(node, "align_corners") or not attribute(node, "half_pixel_centers"):
            raise SystemExit("%s: kind of resize" % node["name"])
        ratio = np.array([1, 1, size[0] / x.size[0], size[1] / x.size[1]], np.float32)
        scales = self.const("resize_%d_scales" % len(self.nodes), ratio)
        out = self.emit("Resize", [x.name, "", scales], mode="linear", coordinate_transformation_mode="half_pixel")
        return x._replace(name=out[0], size=size)

    def concat(self, node, v):
        self.same_layout(node, v[:-1])
        if v[0].last or int(v[-1]) != 1:
            raise SystemExit("%s: axis %d" % (node["name"], v[-1]))
        return v[0]._replace(name=self.emit("Concat", [x.name for x in v[:-1]], axis=1)[0])

    def split(self, node, v):
        x, sizes = v[0], v[1].astype(np.int64)
        if x.last or x.pads or int(v[2]) != 1:
            raise SystemExit("%s: axis %d" % (node["name"], v[2]))
        parts = self.const("split_%d_sizes" % len(self.nodes), sizes)
        return [x._replace(name=n) for n in self.emit("Split", [x.name, parts], len(sizes), axis=1)]

    def elementwise(self, node, v):
        x = v[0]
        if x.pads:
            raise SystemExit("%s: padding before it" % node["name"])
        how = {"alpha": attribute(node, "alpha")} if node["op"] == "LeakyRelu" else {}
        return x._replace(name=self.emit(node["op"], [x.name], **how)[0])

    def reshape(self, node, v):
        x, shape = v[0], v[1].astype(np.int64)
        if x.last or x.pads or len(shape) != 3 or shape[2] != -1:
            raise SystemExit("%s: shape %s" % (node["name"], shape))
        target = self.const("reshape_%d_shape" % len(self.nodes), shape)
        return x._replace(name=self.emit("Reshape", [x.name, target])[0], size=None)

    def sparse_to_dense(self, node, v):
        if v[0].size:
            raise SystemExit("%s: is not empty" % node["name"])
        return np.full([int(i) for i in np.atleast_1d(v[1])], v[3])

    def identity(self, node, v):
        return v[0]

    HOW = {"Transpose": transpose, "Pad": pad, "PadV2": pad, "Conv2D": conv, "MaxPool": max_pool, "Add": add,
           "AddV2": add, "ResizeBilinear": resize, "ConcatV2": concat, "SplitV": split, "LeakyRelu": elementwise,
           "Sigmoid": elementwise, "Reshape": reshape, "SparseToDense": sparse_to_dense, "Identity": identity}

    def get(self, reference):
        """The value of 'node' or 'node:output', converting what it needs first."""
        name, _, index = reference.partition(":")
        if name not in self.done:
            node = self.source[name]
            if node["op"] == "Const":
                self.done[name] = self.weights[name]
            elif node["op"] in self.HOW:
                inputs = [self.get(i) for i in node.get("input", [])]
                self.done[name] = self.HOW[node["op"]](self, node, inputs)
            else:
                raise SystemExit("%s: operator %s is not in the list" % (name, node["op"]))
        value = self.done[name]
        return value[int(index or 0)] if isinstance(value, list) else value


def signature(doc, what):
    """{node name: shape} of the model's inputs or outputs, by name."""
    found = {}
    for entry in doc["signature"][what].values():
        found[entry["name"].split(":")[0]] = [int(d["size"]) for d in entry["tensorShape"]["dim"]]
    return dict(sorted(found.items()))


def convert(doc, weights):
    (name, shape), = signature(doc, "inputs").items()
    conv = Converter(doc, weights)
    conv.done[name] = Value(name, False, None, 0.0, tuple(shape[2:4]))
    results = []
    for output, (batch, _, channels) in signature(doc, "outputs").items():
        made = output + "_out"
        conv.nodes.append(helper.make_node("Identity", [conv.get(output).name], [made], name=made))
        results.append(helper.make_tensor_value_info(made, TensorProto.FLOAT, [batch, None, channels]))
    graph = helper.make_graph(
        conv.nodes, "nanodet_g",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape[:2] + ["height", "width"])], results,
        [numpy_helper.from_array(a, k) for k, a in conv.initializers.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8,
                             producer_name="sci tfjs_to_onnx")


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    ap.add_argument("model", help="the model.json; its weight file lies beside it")
    ap.add_argument("out", help="the ONNX file to write")
    args = ap.parse_args()
    model = convert(*load_model(args.model))
    onnx.checker.check_model(model)
    onnx.save(model, args.out)
    print("%s: %d bytes, %d nodes" % (args.out, os.path.getsize(args.out), len(model.graph.node)))


if __name__ == "__main__":
    main()
