"""CrowdNet: the default detector's backbone up to stride 16 and a head that counts.

Three heads on one pass: a density map (people per cell of 8 x 8 pixels, gated by a spatial attention that learns
which cells hold anybody), the count of the whole input, and its crowd class. The map is a local function of
the picture, so a large picture may be cut into tiles. No normalisation layers: the published backbone has its own
folded into the convolutions, and float and INT8 then have the same operators.
"""
import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import nn

STRIDE = 8
MEAN_BGR = np.float32([103.53, 116.28, 123.675])
STD_BGR = np.float32([57.375, 57.12, 58.395])
CLASSES = ("sparse", "moderate", "dense", "packed")
CLASS_LIMITS = (50, 150, 500)  # people on 1024 x 768 pixels
REFERENCE_CELLS = 1024 * 768 / STRIDE**2

# name: (inputs, outputs, kernel, stride), as the float detector's ONNX file calls them
BACKBONE = {
    "conv_0": (3, 32, 2), "conv_3": (32, 32, 1), "conv_5": (32, 16, 1), "conv_7": (16, 16, 1),
    "conv_10": (32, 32, 1), "conv_13": (64, 64, 2), "conv_15": (64, 32, 1), "conv_17": (32, 32, 1),
    "conv_20": (64, 32, 1), "conv_22": (32, 32, 1), "conv_25": (64, 64, 1), "conv_29": (128, 128, 2),
    "conv_31": (128, 64, 1), "conv_33": (64, 64, 1), "conv_36": (128, 64, 1), "conv_38": (64, 64, 1),
    "conv_41": (128, 128, 1),
}
FIRST_STAGES = ("conv_0", "conv_3", "conv_5", "conv_7", "conv_10")  # to stride 4


class Backbone(nn.Module):
    """The stem keeps the detector's leaky rectifier; what is trained on has plain ones, which cost nothing in INT8."""

    def __init__(self):
        super().__init__()
        for name, (inputs, outputs, stride) in BACKBONE.items():
            self.add_module(name, nn.Conv2d(inputs, outputs, 3, stride, 1))

    def load_detector(self, path):
        """Weights of the float detector (`tfjs_to_onnx.py` makes the file)."""
        found = {i.name: i for i in onnx.load(path).graph.initializer}
        for name in BACKBONE:
            conv = getattr(self, name)
            conv.weight.data = torch.from_numpy(numpy_helper.to_array(found[name + "_w"]).copy())
            conv.bias.data = torch.from_numpy(numpy_helper.to_array(found[name + "_b"]).copy())

    def stem_conv(self, number, x):
        return F.leaky_relu(getattr(self, "conv_%d" % number)(x), 0.1)

    def upper_conv(self, number, x):
        return F.relu(getattr(self, "conv_%d" % number)(x))

    def stem(self, x):
        """To stride 4: rarely worth training."""
        pooled = F.leaky_relu(F.max_pool2d(self.conv_0(x), 3, 2, 1), 0.1)  # as the detector, which pools last
        a = self.stem_conv(3, pooled)
        b = self.stem_conv(5, a)
        c = torch.cat((self.stem_conv(7, b), b), 1)
        return torch.cat((self.stem_conv(10, c), a), 1)

    def stage(self, x, first):
        """One cross-stage block; the convolutions' numbers follow the file."""
        down, split, part, join, part2, last = first
        a = self.upper_conv(down, x)
        b = self.upper_conv(split, a)
        c = torch.cat((self.upper_conv(part, b), b), 1)
        d = self.upper_conv(join, c)
        e = torch.cat((self.upper_conv(part2, d), d), 1)
        return torch.cat((self.upper_conv(last, e), a), 1)

    def upper(self, x):
        stride8 = self.stage(x, (13, 15, 17, 20, 22, 25))
        return stride8, self.stage(stride8, (29, 31, 33, 36, 38, 41))

    def forward(self, x):
        return self.upper(self.stem(x))


class Outputs(nn.Module):
    """What every counting network ends with: the map, its gate unless it has none, the rate of the whole, the class."""

    def begin_with(self, kind):
        """Weights of the layers so far, for rectifiers."""
        for m in self.modules():
            if isinstance(m, kind):
                nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
                nn.init.zeros_(m.bias)

    def make_outputs(self, width, gated=True):
        self.map = nn.Conv2d(width, 2 if gated else 1, 1)
        nn.init.normal_(self.map.weight, std=0.01)
        self.map.bias.data = torch.tensor([-3.0, 1.0])[: self.map.out_channels].clone()
        self.total = nn.Linear(width, 1)
        nn.init.zeros_(self.total.weight)
        self.total.bias.data.fill_(-4.0)
        self.crowd = nn.Linear(width, len(CLASSES))

    def outputs(self, x):
        """(density, gate or None, log of people per cell, class logits)"""
        out = self.map(x)
        density, gate = F.softplus(out[:, :1]), None
        if out.shape[1] == 2:
            gate = out[:, 1:]
            density = density * torch.sigmoid(gate)
        pooled = x.mean((2, 3))
        return density, gate, self.total(pooled), self.crowd(pooled)


class Head(Outputs):
    def __init__(self, width=48):
        super().__init__()
        self.near = nn.Conv2d(128, width, 1)
        self.far = nn.Conv2d(256, width, 1)
        self.far_context = nn.Conv2d(width, width, 3, padding=2, dilation=2)
        self.join = nn.Conv2d(2 * width, width, 3, padding=1)
        self.context2 = nn.Conv2d(width, width, 3, padding=2, dilation=2)
        self.context3 = nn.Conv2d(width, width, 3, padding=3, dilation=3)
        self.context5 = nn.Conv2d(width, width, 3, padding=5, dilation=5)
        self.begin_with(nn.Conv2d)
        self.make_outputs(width)

    def forward(self, stride8, stride16):
        far = F.relu(self.far(stride16))
        far = far + F.relu(self.far_context(far))
        far = F.interpolate(far, scale_factor=2.0, mode="bilinear", align_corners=False)
        x = F.relu(self.join(torch.cat((F.relu(self.near(stride8)), far), 1)))
        x = x + F.relu(self.context2(x))
        x = x + F.relu(self.context3(x))
        x = x + F.relu(self.context5(x))
        return self.outputs(x)


class CrowdNet(nn.Module):
    """x: N x 3 x H x W, BGR, normalised, multiples of 16. Returns (density, gate, log of people per cell over the whole
    input, class logits)."""

    def __init__(self):
        super().__init__()
        self.backbone, self.head = Backbone(), Head()
        for name in FIRST_STAGES:
            getattr(self.backbone, name).requires_grad_(False)

    def load_detector(self, path):
        self.backbone.load_detector(path)

    def parameter_groups(self):
        """(what learns at the full rate, what was learned before and moves more slowly)"""
        return list(self.head.parameters()), [p for n, p in self.backbone.named_parameters() if n.split(".")[0] not in FIRST_STAGES]

    def forward(self, x):
        return self.head(*self.backbone(x))


class Exported(nn.Module):
    """What the program sees: density 1 x 1 x H/8 x W/8, rate 1 x 1 (people per cell), crowd 1 x 4 (probabilities).

    `gain` is what the counts are multiplied by: absolute errors are least at the median, which lies below the mean."""

    def __init__(self, net, gain=1.0):
        super().__init__()
        self.net, self.gain = net, gain

    def forward(self, *x):
        density, _, total, crowd = self.net(*x)
        rate = torch.exp(total)
        if self.gain != 1:
            density, rate = density * self.gain, rate * self.gain
        return density, rate, torch.softmax(crowd, 1)


def parameters(net):
    return sum(p.numel() for p in net.parameters())


def crowd_class(count, cells):
    scaled = count * REFERENCE_CELLS / cells
    return int(np.searchsorted(CLASS_LIMITS, scaled, side="right"))
