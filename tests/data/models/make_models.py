#!/usr/bin/python3
"""Writes the small ONNX models beside this file, which the tests of src/infer and src/vision open.

They are made of a few operators with made-up weights: what counts is what goes in and what comes out. Needs Debian's
python3-onnx. The same bytes on every run.
"""
import os

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

HERE = os.path.dirname(os.path.abspath(__file__))
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def value(name, shape, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def write(name, nodes, inputs, outputs, constants=()):
    graph = helper.make_graph(nodes, "test", inputs, outputs,
                              [numpy_helper.from_array(np.asarray(v), n) for n, v in constants])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="sci tests")
    model.ir_version = 8
    save(model, os.path.join(HERE, name + ".onnx"))


def weights(seed, *shape):
    """Numbers between -1 and 1 that need no random generator to be the same everywhere."""
    count = int(np.prod(shape))
    x = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(2654435761) + np.uint64(seed * 40503)
    x = (x ^ (x >> np.uint64(13))) * np.uint64(1274126177)
    return ((x >> np.uint64(8)) % np.uint64(20001)).astype(np.float32).reshape(shape) / 10000 - 1


def plain_models():
    two = [("two", np.float32(2)), ("one", np.float32(1))]
    write("affine", [helper.make_node("Mul", ["x", "two"], ["twice"]), helper.make_node("Add", ["twice", "one"], ["y"]),
                     helper.make_node("Neg", ["y"], ["minus_y"])],
          [value("x", [1, 3, "h", "w"])], [value("y", [1, 3, "h", "w"]), value("minus_y", [1, 3, "h", "w"])], two)
    write("integers", [helper.make_node("Identity", ["x"], ["y"])], [value("x", [1, 4], INT64)], [value("y", [1, 4], INT64)])
    write("many_outputs", [helper.make_node("Identity", ["x"], ["y%d" % i]) for i in range(17)],
          [value("x", [2])], [value("y%d" % i, [2]) for i in range(17)])
    write("unknown_operator", [helper.make_node("Sideways", ["x"], ["y"])], [value("x", [2])], [value("y", [2])])
    for name, shape in {"one_channel": [1, 1, 32, 32], "half_free": [1, 3, 32, "w"]}.items():
        write(name, [helper.make_node("Identity", ["x"], ["y"])], [value("x", shape)], [value("y", shape)])
    image = [1, 3, "h", "w"]
    write("two_inputs", [helper.make_node("Add", ["x", "z"], ["y"])], [value("x", image), value("z", image)], [value("y", image)])


def density_head(picture, share, stride=8):
    """A counter whose answer is known: people per cell = the blue channel's mean over 3 x 3 cells, 0 to 1, where nothing is 0 normalised
    (103.53 of 255) beyond the input, times `share`. It needs its neighbours, so tiles without a margin would show."""
    scale, grey = np.float32(share * 57.375 / 255 / 9), np.float32(share * 103.53 / 255)
    kernel = np.zeros((1, 3, 3, 3), np.float32)
    kernel[0, 0] = scale
    nodes = [helper.make_node("AveragePool", [picture], ["cells"], kernel_shape=[stride, stride], strides=[stride, stride]),
             helper.make_node("Conv", ["cells", "kernel", "grey"], ["blue"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
             helper.make_node("Relu", ["blue"], ["density"]),
             helper.make_node("GlobalAveragePool", ["density"], ["mean"]),
             helper.make_node("Reshape", ["mean", "one_one"], ["rate"]),
             helper.make_node("Identity", ["classes"], ["crowd"]),
             helper.make_node("Identity", ["bar"], ["interval"])]
    outputs = [value("density", [1, 1, "rows", "columns"]), value("rate", [1, 1]), value("crowd", [1, 4]), value("interval", [1, 3])]
    constants = [("kernel", kernel), ("grey", np.array([grey])), ("one_one", np.array([1, 1], np.int64)),
                 ("classes", np.array([[0.1, 0.2, 0.6, 0.1]], np.float32)), ("bar", np.array([[2, 0.1, 0.25]], np.float32))]
    return nodes, outputs, constants


def density(name, share):
    nodes, outputs, constants = density_head("picture", share)
    write(name, nodes, [value("picture", [1, 3, "h", "w"])], outputs, constants)


def head(name, stride, channels, seed, flat):
    """Average over stride x stride cells, 1 x 1 convolution to `channels`, cells in rows: 1 x n x channels."""
    pooled, mixed, shape = (f"{name}_{part}" for part in ("pooled", "mixed", "shape"))
    w, b = f"{name}_w", f"{name}_b"
    nodes = [helper.make_node("AveragePool", ["x"], [pooled], kernel_shape=[stride, stride], strides=[stride, stride], ceil_mode=1),
             helper.make_node("Conv", [pooled, w, b], [mixed], kernel_shape=[1, 1]),
             helper.make_node("Reshape", [mixed, shape], [flat + "_rows"]),
             helper.make_node("Transpose", [flat + "_rows"], [flat], perm=[0, 2, 1])]
    constants = [(w, weights(seed, channels, 3, 1, 1)), (b, weights(seed + 1, channels) * 2 - 1),
                 (shape, np.array([1, channels, -1], np.int64))]
    return nodes, constants


def detector(name, strides, channels, per_cell, sigmoid_from, rows_last, size=("h", "w"), crowd=((), (), ())):
    """One output. `sigmoid_from`: values of a row from there on are probabilities."""
    nodes, constants, parts = [], [], []
    for i, stride in enumerate(strides):
        for anchor in range(per_cell):
            part = f"part_{stride}_{anchor}"
            n, c = head(part, stride, channels, 10 * i + anchor, part + "_flat")
            nodes += n
            constants += c
            parts.append(part + "_flat")
    nodes.append(helper.make_node("Concat", parts, ["all"], axis=1))
    begin, end = sigmoid_from
    constants += [("zero", np.array([0], np.int64)), ("begin", np.array([begin], np.int64)),
                  ("end", np.array([end], np.int64)), ("last", np.array([channels], np.int64)), ("axis", np.array([2], np.int64))]
    pieces = []
    for piece, (a, b, x, y) in {"before": ("zero", "begin", 0, begin), "inside": ("begin", "end", begin, end),
                                "after": ("end", "last", end, channels)}.items():
        if x < y:
            nodes.append(helper.make_node("Slice", ["all", a, b, "axis"], [piece]))
            if piece == "inside":
                nodes.append(helper.make_node("Sigmoid", [piece], ["inside_p"]))
                piece = "inside_p"
            pieces.append(piece)
    nodes.append(helper.make_node("Concat", pieces, ["joined"], axis=2))
    if rows_last:
        nodes.append(helper.make_node("Transpose", ["joined"], ["y"], perm=[0, 2, 1]))
    else:
        nodes.append(helper.make_node("Identity", ["joined"], ["y"]))
    shape = [1, channels, "n"] if rows_last else [1, "n", channels]
    write(name, nodes + list(crowd[0]), [value("x", [1, 3, *size])], [value("y", shape), *crowd[1]], constants + list(crowd[2]))


def nanodet(name, classes=3, bins=11, crowd=((), (), ()), crowd_first=False):
    nodes, constants, scores, boxes = [], [], [], []
    for i, stride in enumerate((8, 16, 32)):
        n, c = head(f"s{stride}", stride, classes, 50 + i, f"logits_{stride}")
        n += [helper.make_node("Sigmoid", [f"logits_{stride}"], [f"scores_{stride}"])]
        m, d = head(f"b{stride}", stride, 4 * bins, 60 + i, f"bins_{stride}")
        nodes += n + m
        constants += c + d
        scores.append(value(f"scores_{stride}", [1, "n%d" % i, classes]))
        boxes.append(value(f"bins_{stride}", [1, "n%d" % i, 4 * bins]))
    outputs = list(crowd[1]) + scores + boxes if crowd_first else scores + boxes + list(crowd[1])
    write(name, nodes + list(crowd[0]), [value("x", [1, 3, "h", "w"])], outputs, constants + list(crowd[2]))


def crowd_detectors():
    """Detectors with a density head: as they should be, with the head's outputs before the boxes', and four that are refused."""
    crowd = density_head("x", 1)
    nanodet("tiny_nanodet_crowd", crowd=crowd)
    nanodet("tiny_nanodet_crowd_first", crowd=crowd, crowd_first=True)
    nanodet("crowd_no_rate", crowd=(crowd[0], [o for o in crowd[1] if o.name != "rate"], crowd[2]))
    nanodet("crowd_stride_16", crowd=density_head("x", 1, 16))
    bar = [(n, -v if n == "bar" else v) for n, v in crowd[2]]
    nanodet("crowd_no_bar", crowd=(crowd[0], crowd[1], bar))
    detector("crowd_yolov8", (8, 16, 32), 4 + 2, 1, (4, 6), True, crowd=crowd)
    detector("crowd_fixed", (8, 16, 32), 5 + 2, 1, (4, 7), False, (96, 128), crowd)


plain_models()
density("tiny_density", 1)
density("half_density", 0.5)
nanodet("tiny_nanodet")
detector("tiny_nanodet_plus", (8, 16, 32, 64), 3 + 32, 1, (0, 3), False)
detector("tiny_yolov5", (8, 16, 32), 5 + 2, 3, (4, 7), False)
detector("tiny_yolov8", (8, 16, 32), 4 + 2, 1, (4, 6), True)
detector("tiny_yolox", (8, 16, 32), 5 + 2, 1, (4, 7), False, (96, 128))
crowd_detectors()
