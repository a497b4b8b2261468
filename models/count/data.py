"""Training crops: drawn by a seeded generator, so that a run can be repeated and resumed to the same crop."""
import glob
import json
import os

import numpy as np
import torch
from PIL import Image

import targets
from network import MEAN_BGR, STD_BGR, STRIDE, crowd_class

SCALES = (0.6, 1.5)
UNSCALED_SHARE = 0.3  # of the crops: as the camera gave them, sharper and with other block edges than anything resampled
FILTERS = (Image.BILINEAR, Image.BILINEAR, Image.BICUBIC, Image.BOX)
NEGATIVE_SHARE = 0.12  # of the crops, shows nobody


def load_index(folder):
    with open(os.path.join(folder, "index.json"), encoding="utf-8") as fh:
        return json.load(fh)


def normalised(bgr):
    """H x W x 3 in 0..255 to 3 x H x W float32."""
    return np.ascontiguousarray(((np.asarray(bgr, np.float32) - MEAN_BGR) / STD_BGR).transpose(2, 0, 1))


def resized(array, width, height, kind=Image.BILINEAR):
    if array.shape[:2] == (height, width):
        return np.ascontiguousarray(array)
    return np.asarray(Image.fromarray(np.ascontiguousarray(array)).resize((width, height), kind))


def smooth_field(rng, size, cells):
    """A random surface of that many bumps: clouds, lawns, walls."""
    small = rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
    return resized(small, size, size)


def synthetic_empty(rng, size):
    """Pictures without anybody that no photographer would take: black, flat, noise, clouds, stripes and rows of seats."""
    kind = rng.integers(6)
    if kind == 0:
        return np.full((size, size, 3), rng.integers(0, 256, 3) * (rng.random() < 0.7), np.uint8)
    if kind == 1:
        noise = rng.normal(rng.uniform(0, 255), rng.uniform(5, 90), (size, size, 3))
        return np.clip(noise, 0, 255).astype(np.uint8)
    field = smooth_field(rng, size, int(2 ** rng.uniform(1, 7)))
    if kind == 2:
        return field
    if kind == 3:
        grain = rng.normal(0, rng.uniform(2, 40), (size, size, 1))
        return np.clip(field + grain, 0, 255).astype(np.uint8)
    y, x = np.mgrid[:size, :size]
    angle, period = rng.uniform(0, np.pi), rng.uniform(6, 80)
    wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period)
    if kind == 5:  # a grid of bright spots is what seats and windows look like
        wave = wave * np.sin((y * np.cos(angle) - x * np.sin(angle)) * 2 * np.pi / (period * rng.uniform(0.5, 2)))
    sharp = np.clip(wave * rng.uniform(1, 8), -1, 1)[:, :, None]
    return np.clip(0.5 * field + 64 + sharp * rng.uniform(10, 90), 0, 255).astype(np.uint8)


def photometric(rng, bgr):
    """A normalised crop with other light, contrast, colour cast, grey or noise: height x width x 3 in 0..255 to the same in float32."""
    gain = np.float32(rng.uniform(0.7, 1.3))
    shift = np.float32(rng.uniform(-0.4, 0.4)) + rng.uniform(-0.12, 0.12, 3).astype(np.float32)
    if rng.random() < 0.15:
        grey = Image.fromarray(np.ascontiguousarray(bgr)).convert("L")
        bgr = np.asarray(grey.convert("RGB"))
    height, width = bgr.shape[:2]  # row by row: products over three colours at a time take five times as long
    factor, offset = (np.tile(v, width).astype(np.float32) for v in (gain / STD_BGR, shift - gain * MEAN_BGR / STD_BGR))
    x = bgr.reshape(height, width * 3).astype(np.float32)
    x *= factor
    x += offset
    if rng.random() < 0.3:
        x += rng.standard_normal(x.shape, dtype=np.float32) * np.float32(rng.uniform(0.02, 0.15))
    return x.reshape(height, width, 3)


class Crops:
    def __init__(self, folder, exclude_fold, size, negatives=None):
        index = load_index(folder)
        self.size = size
        self.pictures = {p: [e for e in index["pictures"] if e["part"] == p and e["fold"] != exclude_fold] for p in "AB"}
        self.memory = {}
        for entry in self.pictures["A"] + self.pictures["B"]:
            base = os.path.join(folder, entry["name"])
            self.memory[entry["name"]] = (np.load(base + ".npy", mmap_mode="r"), np.load(base + "_heads.npy"))
        self.negatives = [np.load(n, mmap_mode="r") for n in sorted(glob.glob(os.path.join(negatives, "*.npy")))] if negatives else []

    def cut(self, rng, picture, heads):
        """A random square, brought to the size; the heads inside it, in its pixels."""
        height, width = picture.shape[:2]
        factor = 1.0 if rng.random() < UNSCALED_SHARE else np.exp(rng.uniform(*np.log(SCALES)))
        side = int(min(round(self.size / factor), width, height))
        factor = self.size / side
        left, top = rng.integers(width - side + 1), rng.integers(height - side + 1)
        crop = resized(picture[top:top + side, left:left + side], self.size, self.size, FILTERS[rng.integers(len(FILTERS))])
        local = (heads - [left, top, 0.0]) * factor
        inside = ((local[:, :2] >= 0) & (local[:, :2] < self.size)).all(1)
        return crop, local[inside]

    def sample(self, rng):
        if rng.random() < NEGATIVE_SHARE:
            if self.negatives and rng.random() < 0.6:
                return self.cut(rng, self.negatives[rng.integers(len(self.negatives))], np.zeros((0, 3)))
            return synthetic_empty(rng, self.size), np.zeros((0, 3))
        pool = self.pictures["AB"[rng.integers(2)]]
        return self.cut(rng, *self.memory[pool[rng.integers(len(pool))]["name"]])

    def batch(self, rng, count):
        cells = self.size // STRIDE
        xs, maps, points, crowd = [], [], [], []
        for _ in range(count):
            crop, heads = self.sample(rng)
            if rng.random() < 0.5:
                crop = crop[:, ::-1]
                heads = np.column_stack((self.size - 1e-3 - heads[:, 0], heads[:, 1:]))
            sigma = np.clip(heads[:, 2], targets.SIGMA_LEAST, targets.SIGMA_MOST)
            xs.append(photometric(rng, crop))
            maps.append(targets.density(heads[:, :2], sigma, cells, cells, STRIDE)[None].astype(np.float32))
            points.append(torch.from_numpy(heads[:, :2].astype(np.float32)))
            crowd.append(crowd_class(len(heads), cells * cells))
        x = torch.from_numpy(np.stack(xs)).permute(0, 3, 1, 2)  # channels last already
        return {"x": x, "density": torch.from_numpy(np.stack(maps)), "points": points,
                "crowd": torch.tensor(crowd)}
