"""The networks that can be trained, by name."""
from csrnet import VARIANTS, CSRNet
from detector_head import DetectorHead
from network import CrowdNet

NETWORKS = ("crowdnet", "csrnet", "head")
__all__ = ["NETWORKS", "VARIANTS", "build", "of_checkpoint"]


def build(name, width=0.25, variant="multiscale"):
    if name == "crowdnet":
        return CrowdNet()
    return CSRNet(width, variant) if name == "csrnet" else DetectorHead()


def of_checkpoint(state):
    """The network that a checkpoint was saved from, with its averaged weights, ready to count."""
    net = build(*state.get("network", ("crowdnet",)))
    net.load_state_dict(state["average"])
    return net.eval()
