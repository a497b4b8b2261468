"""CSRNet (Li, Zhang, Chen 2018): ten layers of VGG-16 to stride 8, then dilated convolutions that keep the size.

`width` scales every layer: 1 is the published network (16.3 million parameters), 0.25 has a million. Variants of the back end: `plain`;
`attention`, the map gated by a spatial attention that learns which cells hold anybody; `multiscale`, its first layer three
branches of different dilation, with the attention. Batch normalisation stands behind each convolution while it
learns and disappears into it at export.
"""
import torch
from torch import nn

from network import Outputs

FRONT = (64, 64, "pool", 128, 128, "pool", 256, 256, 256, "pool", 512, 512, 512)
BACK = (512, 512, 512, 256, 128, 64)
VARIANTS = ("plain", "attention", "multiscale")


def block(inputs, outputs, dilation=1):
    conv = nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation, bias=False)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


class Scales(nn.Module):
    """The same features seen with three dilations; their outputs stand side by side."""

    def __init__(self, inputs, outputs):
        super().__init__()
        part = outputs // 4
        self.branches = nn.ModuleList(block(inputs, n, d) for n, d in ((outputs - 2 * part, 2), (part, 1), (part, 4)))

    def forward(self, x):
        return torch.cat([b(x) for b in self.branches], 1)


class CSRNet(Outputs):
    """As CrowdNet: N x 3 x H x W to (density, gate or None, log of people per cell, class logits)."""

    def __init__(self, width=0.25, variant="multiscale"):
        super().__init__()
        scaled = [c if c == "pool" else max(8, int(c * width)) for c in FRONT]
        layers, inputs = [], 3
        for c in scaled:
            layers.append(nn.MaxPool2d(2) if c == "pool" else block(inputs, c))
            inputs = inputs if c == "pool" else c
        self.front = nn.Sequential(*layers)
        layers = []
        for number, c in enumerate(max(8, int(c * width)) for c in BACK):
            layers.append(Scales(inputs, c) if number == 0 and variant == "multiscale" else block(inputs, c, 2))
            inputs = c
        self.back = nn.Sequential(*layers)
        self.make_outputs(inputs, gated=variant != "plain")

    def parameter_groups(self):
        return list(self.parameters()), []

    def forward(self, x):
        return self.outputs(self.back(self.front(x)))
