"""A density head on the running detector: the detector stays as it is, one pass gives boxes and density.

The head reads two tensors at stride 8 of the detector's graph (`models/tfjs_to_onnx.py` names them): `concat_27`, the end of its second
stage, and `add_69`, the top-down path of its pyramid. Only the head learns.
"""
import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import nn

from network import Backbone, Outputs

TENSORS = ("concat_27", "add_69")
CHANNELS = 128
LATER = {  # name: (inputs, outputs, kernel, stride)
    "conv_28": (128, 128, 1, 1), "conv_44": (256, 128, 1, 1), "conv_45": (256, 256, 3, 2), "conv_47": (256, 128, 3, 1),
    "conv_49": (128, 128, 3, 1), "conv_52": (256, 128, 3, 1), "conv_54": (128, 128, 3, 1), "conv_57": (256, 128, 3, 1),
    "conv_59": (128, 128, 3, 1), "conv_62": (256, 256, 3, 1), "conv_65": (512, 128, 1, 1),
}


class Detector(Backbone):
    """The detector as it runs, up to the tensors that the head reads."""

    def __init__(self):
        super().__init__()
        for name, (inputs, outputs, kernel, stride) in LATER.items():
            self.add_module(name, nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2))
        self.requires_grad_(False)

    def load_detector(self, path):
        super().load_detector(path)
        found = {i.name: i for i in onnx.load(path).graph.initializer}
        for name in LATER:
            for part, tensor in (("_w", "weight"), ("_b", "bias")):
                value = torch.from_numpy(numpy_helper.to_array(found[name + part]).astype(np.float32))
                getattr(getattr(self, name), tensor).data = value

    upper_conv = Backbone.stem_conv  # the detector's own rectifier

    def forward(self, x):
        stride8 = self.stage(self.stem(x), (13, 15, 17, 20, 22, 25))
        stride16 = self.stage(stride8, (29, 31, 33, 36, 38, 41))
        a = self.stem_conv(45, stride16)
        b = self.stem_conv(47, a)
        b = torch.cat((self.stem_conv(49, b), b), 1)
        b = self.stem_conv(52, b)
        b = torch.cat((self.stem_conv(54, b), b), 1)
        b = self.stem_conv(57, b)
        b = torch.cat((self.stem_conv(59, b), b), 1)
        top = self.conv_65(torch.cat((self.stem_conv(62, b), a), 1))
        middle = self.conv_44(stride16) + twice(top)
        return stride8, self.conv_28(stride8) + twice(middle)


def twice(x):
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class DensityHead(Outputs):
    def __init__(self, width=96):
        super().__init__()
        self.enter = nn.Conv2d(2 * CHANNELS, width, 1)
        self.context1 = nn.Conv2d(width, width, 3, padding=1)
        self.context2 = nn.Conv2d(width, width, 3, padding=2, dilation=2)
        self.context3 = nn.Conv2d(width, width, 3, padding=3, dilation=3)
        self.begin_with(nn.Conv2d)
        self.make_outputs(width)

    def forward(self, stage, pyramid):
        x = F.relu(self.enter(torch.cat((stage, pyramid), 1)))
        x = x + F.relu(self.context1(x))
        x = x + F.relu(self.context2(x))
        x = x + F.relu(self.context3(x))
        return self.outputs(x)


class DetectorHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone, self.head = Detector(), DensityHead()

    def load_detector(self, path):
        self.backbone.load_detector(path)

    def parameter_groups(self):
        return list(self.head.parameters()), []

    def forward(self, x):
        return self.head(*self.backbone(x))
