"""Losses on one crop's map; each is a number of people, so they can be added up and weighed alike."""
import torch
import torch.nn.functional as F


def blocks(x, size):
    return F.avg_pool2d(x, size, ceil_mode=True, count_include_pad=True, divisor_override=1)


def poisson(density, target):
    """Likelihood per cell, less its least value, so that a perfect map costs nothing."""
    eps = 1e-4
    t = target
    return (density - t - t * (torch.log(density + eps) - torch.log(t + eps))).sum((1, 2, 3))


def block_sums(density, target):
    """By likelihood as well: the absolute error of a block is least at the median, and where people are few and hard to see that
    is less than their mean. Sparse scenes lost six people in a hundred by it."""
    return sum(poisson(blocks(density, s), blocks(target, s)) for s in (4, 16))


def whole(density, target):
    return (density - target).sum((1, 2, 3)).abs()


def regression(density, target, points, stride):
    return poisson(density, target) + block_sums(density, target) + whole(density, target)


def bayesian(density, target, points, stride, sigma=8.0, background=0.15):
    """Ma et al. 2019: the mass that belongs to each head, by posterior probability, shall be one, and that of the background none."""
    losses = []
    rows, columns = density.shape[2:]
    ys = (torch.arange(rows, dtype=torch.float32) + 0.5) * stride
    xs = (torch.arange(columns, dtype=torch.float32) + 0.5) * stride
    for b, heads in enumerate(points):
        d = density[b, 0].reshape(-1)
        if len(heads) == 0:
            losses.append(d.sum())
            continue
        dy, dx = (heads[:, 1:2] - ys[None]) ** 2, (heads[:, :1] - xs[None]) ** 2
        square = (dy[:, :, None] + dx[:, None, :]).reshape(len(heads), -1)
        nearest = square.min(0, keepdim=True)[0]
        margin = background * min(rows, columns) * stride
        far = (margin - nearest.sqrt()) ** 2
        log = torch.cat((-square, -far)) / (2 * sigma**2)
        share = torch.softmax(log, 0)
        mass = share @ d
        losses.append((mass[:-1] - 1).abs().sum() + mass[-1].abs())
    return torch.stack(losses) + whole(density, target)


MAP_LOSSES = {"poisson": regression, "bayes": bayesian}


def training_loss(output, batch, kind, stride):
    """Mean over the crops of the loss per root of its people: dense crops matter more, and do not drown the others."""
    density, gate, total, crowd = output
    target = batch["density"]
    count = target.sum((1, 2, 3))
    cells = target[0].numel()
    per_crop = MAP_LOSSES[kind](density, target, batch["points"], stride) / torch.sqrt(30.0 + count)
    attention = 0.0 if gate is None else F.binary_cross_entropy_with_logits(gate, (target > 0.02).float())
    rate_error = F.smooth_l1_loss(total[:, 0], torch.log((count + 0.5) / cells))
    crowd_error = F.cross_entropy(crowd, batch["crowd"])
    return per_crop.mean() + attention + 0.1 * rate_error + 0.1 * crowd_error
