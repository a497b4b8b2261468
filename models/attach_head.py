#!/usr/bin/python3
"""Put a density head on the detector: one network, one pass, boxes and density.

  attach_head.py nanodet_g.onnx crowdhead.onnx nanodet_g_crowd.onnx

The head (`models/count/export.py` writes it) reads tensors of the detector by name, and names the detector that it learned on by a
checksum over the weights up to those tensors: on any other it would count nonsense, so it is refused. The result has the detector's
outputs in their order, then `density`, `rate`, `crowd`, `interval`. Needs Debian's python3-numpy and python3-onnx.
"""
import argparse
import hashlib
import os

import onnx
from onnx import numpy_helper


def weights_above(graph, tensors):
    """Names of the constants that the tensors are computed from, in the graph's order."""
    made_by = {o: n for n in graph.node for o in n.output}
    wanted, stack = set(), list(tensors)
    while stack:
        name = stack.pop()
        if name not in wanted:
            wanted.add(name)
            stack += list(made_by[name].input) if name in made_by else []
    return [i.name for i in graph.initializer if i.name in wanted]


def backbone_checksum(graph, tensors):
    constants = {i.name: i for i in graph.initializer}
    digest = hashlib.sha256()
    for name in weights_above(graph, tensors):
        digest.update(name.encode() + b"\0" + numpy_helper.to_array(constants[name]).tobytes())
    return digest.hexdigest()


def property_of(model, key):
    found = [p.value for p in model.metadata_props if p.key == key]
    if not found:
        raise SystemExit("the head does not say %s: not a density head" % key)
    return found[0]


def attach(detector, head):
    """The detector's model with the head in it; both float."""
    reads = [i.name for i in head.graph.input]
    there = {o for n in detector.graph.node for o in n.output}
    missing = [t for t in reads if t not in there]
    if missing:
        raise SystemExit("the detector has no tensor %s" % ", ".join(missing))
    if backbone_checksum(detector.graph, reads) != property_of(head, "backbone_sha256"):
        raise SystemExit("the head was trained on another detector: the checksums of the weights differ")
    outputs = {o.name for o in head.graph.output}

    def renamed(name):
        return name if name in reads or name in outputs or not name else "head/" + name

    whole = onnx.ModelProto()
    whole.CopyFrom(detector)
    for node in head.graph.node:
        new = whole.graph.node.add()
        new.CopyFrom(node)
        new.name = "head/" + (node.name or node.output[0])
        new.input[:] = [renamed(t) for t in node.input]
        new.output[:] = [renamed(t) for t in node.output]
    for constant in head.graph.initializer:
        new = whole.graph.initializer.add()
        new.CopyFrom(constant)
        new.name = renamed(constant.name)
    whole.graph.output.extend(head.graph.output)
    whole.graph.name = detector.graph.name + "_crowd"
    onnx.checker.check_model(whole)
    return whole


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    ap.add_argument("detector", help="the float detector")
    ap.add_argument("head", help="the float head")
    ap.add_argument("out")
    args = ap.parse_args()
    onnx.save(attach(onnx.load(args.detector), onnx.load(args.head)), args.out)
    print("%s: %d bytes" % (args.out, os.path.getsize(args.out)))


if __name__ == "__main__":
    main()
