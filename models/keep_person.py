#!/usr/bin/python3
"""Leave one class of a detector with class scores and distances in one convolution: the first, a person.

  keep_person.py nanodet_g.onnx nanodet_g_person.onnx

Needs Debian's python3-numpy and python3-onnx. Where a convolution's result is split into scores (behind a
sigmoid) and distances, the convolution's outputs for all classes but the first are taken away. What is left
is computed from the same numbers in the same order: not a bit of a person's score or box changes.
"""
import argparse

import numpy as np
import onnx
from onnx import numpy_helper


class Network:
    def __init__(self, graph):
        self.constants = {c.name: c for c in graph.initializer}
        self.maker = {o: n for n in graph.node for o in n.output}
        self.readers = {}
        for n in graph.node:
            for t in n.input:
                self.readers.setdefault(t, []).append(n)

    def get(self, name):
        return numpy_helper.to_array(self.constants[name])

    def put(self, name, array):
        self.constants[name].CopyFrom(numpy_helper.from_array(array, name))


def reshape_behind(network, tensor):
    """The Reshape that the scores of this Sigmoid go through."""
    return next(n for n in network.readers[tensor] if n.op_type == "Reshape")


def prune(network, split):
    """One head; returns how many classes it had."""
    sizes = network.get(split.input[1])
    classes = int(sizes[0])
    sigmoid = next(n for n in network.readers[split.output[0]] if n.op_type == "Sigmoid")
    reshape = reshape_behind(network, sigmoid.output[0])
    shape = network.get(reshape.input[1])
    if list(shape).count(classes) != 1:
        raise SystemExit("%s: no place for %d classes in %s" % (reshape.name, classes, list(shape)))
    conv = network.maker[split.input[0]]
    kept = np.r_[0, classes:int(sizes.sum())]
    for name in conv.input[1:3]:
        network.put(name, network.get(name)[kept])
    network.put(split.input[1], np.array([1, sizes[1]], sizes.dtype))
    network.put(reshape.input[1], np.where(shape == classes, 1, shape).astype(shape.dtype))
    return classes


def keep_person(model):
    network = Network(model.graph)
    heads = [n for n in model.graph.node if n.op_type == "Split" and
             any(r.op_type == "Sigmoid" for r in network.readers.get(n.output[0], []))]
    if not heads:
        raise SystemExit("no scores and distances that are split")
    classes = [prune(network, split) for split in heads]
    for output in model.graph.output:
        last = output.type.tensor_type.shape.dim[-1]
        if last.dim_value in classes:
            last.dim_value = 1
    del model.graph.value_info[:]
    return model


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    ap.add_argument("model", help="the float ONNX file")
    ap.add_argument("out", help="the ONNX file to write")
    args = ap.parse_args()
    model = keep_person(onnx.load(args.model))
    onnx.checker.check_model(model)
    onnx.save(model, args.out)


if __name__ == "__main__":
    main()
