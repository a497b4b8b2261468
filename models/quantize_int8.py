#!/usr/bin/python3
"""Make a static INT8 network (QDQ form) from a float one and a table of activation ranges.

  quantize_int8.py --ranges nanodet_g_ranges.json nanodet_g.onnx nanodet_g_int8.onnx

Needs Debian's python3-numpy and python3-onnx. No picture and no runtime is involved: the ranges were
computed once by calibrate_ranges.py and are part of the project, so the result is the same bytes on
every machine.

Weights of each convolution: symmetric int8, one scale per output channel; biases: int32, in the
scale of input times weight; activations: asymmetric uint8, one scale per tensor, zero exactly
representable.

A processor without the VNNI instructions multiplies pairs of neighbouring bytes and adds the two products
in 16 bits, saturating: with two weights near 127 and two activations near 255 the sum is cut
off silently and boxes move. So a channel's scale is also chosen such that no two neighbours (in either
of the two orders in which a kernel is unrolled) add up to more than 128: 255 * 128 fits. The results
are then the same to the bit with and without VNNI, for a quarter of a bit of precision.

With `four_channels` the picture gets a fourth one of nothing behind its quantisation: for channels in fours the runtime has a convolution
that needs no 32-bit sums of the whole output in memory (30 MB at 1280x736) and is faster, a tenth of the whole time. The weights' scales then
bound other neighbours, so it is a choice of each network: the default detector's accuracy was settled without.

QuantizeLinear / DequantizeLinear pairs stand around the operators that ONNX Runtime
fuses into integer ones. What only a MaxPool reads has the scale of what it gives, which the lowest values
never reach: it chooses among integers then, instead of coming and going as floats (a fifth of the whole
time). Input and outputs stay float32, and so does the sigmoid behind the scores: a
range of its own would cap every score at the greatest one seen in calibration.
"""
import argparse
import json
import os

import numpy as np
import onnx
from onnx import helper, numpy_helper

INTEGER_OPS = {"Conv", "LeakyRelu", "Add", "Concat", "MaxPool", "Resize", "Split"}


def activations(graph):
    """Names of the tensors that get a scale: the input and every result an integer operator reads."""
    known = {i.name for i in graph.initializer}
    seen = [graph.input[0].name] + [o for n in graph.node for o in n.output]
    read = {t for n in graph.node if n.op_type in INTEGER_OPS for t in n.input}
    return [t for t in seen if t in read and t not in known]


def neighbours(rows):
    """Greatest absolute sum of bytes 2k and 2k + 1 in each row."""
    rows = np.pad(rows, ((0, 0), (0, rows.shape[1] % 2)))
    return np.abs(rows[:, 0::2] + rows[:, 1::2]).max(1)


def greatest_pair(w):
    """The same per output channel, over both orders: channel by channel, and position by position."""
    return np.maximum(neighbours(w.reshape(len(w), -1)), neighbours(w.transpose(0, 2, 3, 1).reshape(len(w), -1)))


def weight_scales(w):
    """One float32 scale per output channel: no weight beyond 127, no pair of neighbours beyond 128."""
    limit = np.maximum(np.abs(w).reshape(len(w), -1).max(1), greatest_pair(w))
    return np.maximum(limit / np.float32(127), np.float32(1e-8))


class Quantiser:
    def __init__(self, graph, ranges, four_channels=False):
        self.graph, self.ranges, self.is_widened = graph, ranges, four_channels
        self.weights = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
        self.nodes, self.made, self.pairs = [], [], {}
        read = [t for n in graph.node for t in n.input]
        self.pooled = {n.input[0]: n.output[0] for n in graph.node if n.op_type == "MaxPool" and read.count(n.input[0]) == 1}

    def const(self, name, array):
        self.made.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def scale_and_zero(self, tensor):
        """uint8 parameters that cover [low, high] and hold 0 exactly."""
        low, high = self.ranges[self.pooled.get(tensor, tensor)]
        scale = np.float32((high - low) / 255.0)
        return scale, np.uint8(np.clip(np.round(-low / scale), 0, 255))

    def pair(self, tensor):
        """The tensor after a quantise/dequantise pair, made once."""
        if tensor not in self.pairs:
            scale, zero = self.scale_and_zero(tensor)
            args = [self.const(tensor + "_scale", scale), self.const(tensor + "_zero", zero)]
            self.nodes.append(helper.make_node("QuantizeLinear", [tensor] + args, [tensor + "_q"]))
            self.nodes.append(helper.make_node("DequantizeLinear", [tensor + "_q"] + args, [tensor + "_dq"]))
            self.pairs[tensor] = tensor + "_dq"
        return self.pairs[tensor]

    def stored(self, name, values, scales, dtype):
        """A constant kept as integers and dequantised per output channel."""
        limit = {np.int8: 127, np.int32: 2**31 - 1}[dtype]
        spread = scales.reshape([-1] + [1] * (values.ndim - 1))
        whole = np.clip(np.round(values / spread), -limit, limit).astype(dtype)
        args = [self.const(name + "_int", whole), self.const(name + "_scale", scales),
                self.const(name + "_zero", np.zeros(len(scales), dtype))]
        self.nodes.append(helper.make_node("DequantizeLinear", args, [name + "_dq"], axis=0))
        return name + "_dq"

    def widened(self, tensor):
        """The picture, quantised, with a channel of zeros; made once."""
        name = tensor + "_4"
        if name + "_dq" not in self.pairs.values():
            zero = self.scale_and_zero(tensor)[1]
            around = self.const(name + "_around", np.array([0, 0, 0, 0, 0, 1, 0, 0], np.int64))
            value = self.const(name + "_value", zero)
            self.nodes.append(helper.make_node("Pad", [tensor + "_q", around, value], [name + "_q"]))
            self.nodes.append(helper.make_node("DequantizeLinear", [name + "_q", tensor + "_scale", tensor + "_zero"], [name + "_dq"]))
            self.pairs[name] = name + "_dq"
        return self.pairs[name]

    def convolution(self, node):
        """Integer weights and bias for a Conv; its data input has been paired already."""
        w = self.weights[node.input[1]]
        data = node.input[0][:-len("_dq")]
        if self.is_widened and data == self.graph.input[0].name and w.shape[1] == 3:
            node.input[0] = self.widened(data)
            w = np.pad(w, ((0, 0), (0, 1), (0, 0), (0, 0)))
        scales = weight_scales(w)
        data_scale = self.scale_and_zero(data)[0]
        node.input[1] = self.stored(node.input[1], w, scales, np.int8)
        if len(node.input) > 2:
            bias = self.weights[node.input[2]].astype(np.float64)
            node.input[2] = self.stored(node.input[2], bias, scales * data_scale, np.int32)

    def run(self):
        wanted = activations(self.graph)
        if set(wanted) != set(self.ranges):
            raise SystemExit("the table of ranges is for another network: %s" %
                             ", ".join(sorted(set(wanted) ^ set(self.ranges))[:3]))
        for old in self.graph.node:
            node = onnx.NodeProto()
            node.CopyFrom(old)
            if node.op_type in INTEGER_OPS:
                for i, tensor in enumerate(node.input):
                    if tensor in self.ranges:
                        node.input[i] = self.pair(tensor)
            if node.op_type == "Conv":
                self.convolution(node)
            self.nodes.append(node)
        used = {t for n in self.nodes for t in n.input}
        constants = [i for i in list(self.graph.initializer) + self.made if i.name in used]
        return helper.make_graph(self.nodes, self.graph.name + "_int8", self.graph.input, self.graph.output, constants)


def quantise(model, ranges, four_channels=False):
    return helper.make_model(Quantiser(model.graph, ranges, four_channels).run(), opset_imports=model.opset_import,
                             ir_version=model.ir_version, producer_name="sci quantize_int8")


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    ap.add_argument("--ranges", required=True, action="append", help="JSON table: tensor name to [least, greatest value]; may come again for further tensors")
    ap.add_argument("model", help="the float ONNX file")
    ap.add_argument("out", help="the INT8 ONNX file to write")
    args = ap.parse_args()
    ranges = {}
    for path in args.ranges:
        with open(path, encoding="utf-8") as fh:
            ranges.update(json.load(fh)["ranges"])
    model = quantise(onnx.load(args.model), ranges)
    onnx.checker.check_model(model)
    onnx.save(model, args.out)
    print("%s: %d bytes (from %d)" % (args.out, os.path.getsize(args.out), os.path.getsize(args.model)))


if __name__ == "__main__":
    main()
