"""The networks that can be trained, by name."""
import onnx
import torch
from onnx import numpy_helper

from csrnet import VARIANTS, CSRNet
from detector_head import DetectorHead
from network import CrowdNet

NETWORKS = ("crowdnet", "csrnet", "head")
__all__ = ["NETWORKS", "VARIANTS", "build", "load_onnx", "of_checkpoint"]


def build(name, width=0.25, variant="multiscale"):
    if name == "crowdnet":
        return CrowdNet()
    return CSRNet(width, variant) if name == "csrnet" else DetectorHead()


def of_checkpoint(state):
    """The network that a checkpoint was saved from, with its averaged weights, ready to count."""
    net = build(*state.get("network", ("crowdnet",)))
    net.load_state_dict(state["average"])
    return net.eval()


def load_onnx(net, path):
    """The weights that export.py wrote."""
    found = {i.name: i for i in onnx.load(path).graph.initializer}
    state = net.state_dict()
    missing = [k for k in state if "net." + k not in found]
    if missing:
        raise SystemExit("%s: no weights for %s: it is another network" % (path, missing[0]))
    net.load_state_dict({k: torch.from_numpy(numpy_helper.to_array(found["net." + k]).copy()).reshape(v.shape) for k, v in state.items()})
