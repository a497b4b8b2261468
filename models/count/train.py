#!/usr/bin/python3
"""Train CrowdNet. Give the same command again to go on where it stopped.

  train.py --data var/count/data --negatives var/count/negatives --backbone nanodet_g.onnx --run var/count/run \
      --steps 12000 --decay 3000

CrowdNet's head learns first, on a backbone that does not move; then everything above stride 4 is trained, at a fifth of the
head's rate. `--network csrnet` trains all of it from nothing, `--network head` only a head on the detector as it is. The rate stays constant and falls linearly to nothing over the last `--decay` steps. To end a run of unknown length early, write the
number of steps that are left into RUN/decay: the fall starts at once. A later run may start from the weights before the fall
(`stable.pt`, `--resume-from`), or from an exported network (`--weights models/crowdnet.onnx`).

Files of a run: `checkpoint.pt` (weights, averaged weights, optimiser, generators), `stable.pt`, `log.jsonl` (training loss; errors on
the held-out fold), `arguments.json`.
"""
import argparse
import copy
import json
import os
import sys
import time

import numpy as np
import torch

from data import Crops
from evaluate import held_out, summary
from losses import training_loss
from network import STRIDE, parameters
from networks import NETWORKS, VARIANTS, build, load_onnx


def arguments():
    ap = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    ap.add_argument("--data", required=True)
    ap.add_argument("--negatives", help="folder of negatives.py")
    ap.add_argument("--backbone", help="float ONNX file of the detector")
    ap.add_argument("--run", required=True, help="folder of this run")
    ap.add_argument("--network", choices=NETWORKS, default="crowdnet")
    ap.add_argument("--width", type=float, default=0.25, help="of csrnet's layers; 1 is the published network")
    ap.add_argument("--variant", choices=VARIANTS, default="multiscale", help="csrnet's back end")
    ap.add_argument("--resume-from", help="checkpoint of another run to start from")
    ap.add_argument("--weights", help="float ONNX file of export.py to start from")
    ap.add_argument("--fold", type=int, default=0, help="held out; -1 trains on everything")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--steps", type=int, default=100000)
    ap.add_argument("--head-steps", type=int, default=300)
    ap.add_argument("--decay", type=int, default=3000)
    ap.add_argument("--batch", type=int, default=4)
    ap.add_argument("--crop", type=int, default=448, help="pixels, a multiple of 32")
    ap.add_argument("--rate", type=float, default=1e-3)
    ap.add_argument("--backbone-rate", type=float, default=0.2, help="times the head's")
    ap.add_argument("--loss", choices=("poisson", "bayes"), default="poisson")
    ap.add_argument("--average", type=float, default=0.999)
    ap.add_argument("--bf16", action="store_true", help="16-bit products (processors with AVX512-BF16 or AMX, GPUs)")
    ap.add_argument("--device", default="cpu")
    ap.add_argument("--threads", type=int, default=1)
    ap.add_argument("--save-every", type=int, default=500)
    ap.add_argument("--test-every", type=int, default=1500)
    return ap.parse_args()


def keep_large_blocks():
    """Starts anew with an allocator that does not give each large tensor back to the system: taking it again page by page made a
    step on a CPU 1.7 times as long."""
    tunables = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=100000000000:glibc.malloc.top_pad=268435456"
    if "GLIBC_TUNABLES" not in os.environ:
        os.execve(sys.executable, [sys.executable] + sys.argv, dict(os.environ, GLIBC_TUNABLES=tunables))


class Run:
    def __init__(self, args):
        self.args, self.step, self.decay_from = args, 0, None
        os.makedirs(args.run, exist_ok=True)
        torch.manual_seed(args.seed)
        self.rng = np.random.default_rng(args.seed)
        self.net = build(args.network, args.width, args.variant)
        if args.backbone:
            self.net.load_detector(args.backbone)
        if args.weights:
            load_onnx(self.net, args.weights)
        self.net = self.net.to(args.device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.net)
        groups = [{"params": g} for g in self.net.parameter_groups() if g]
        self.optimiser = torch.optim.AdamW(groups, args.rate, weight_decay=1e-4)
        if os.path.exists(self.path("checkpoint.pt")):
            self.load(self.path("checkpoint.pt"), whole=True)
        elif args.resume_from:
            self.load(args.resume_from, whole=False)

    def path(self, name):
        return os.path.join(self.args.run, name)

    def load(self, path, whole):
        state = torch.load(path, map_location=self.args.device)
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        if whole:
            self.step, self.decay_from = state["step"], state["decay_from"]
            self.args.steps = state["steps"] if self.decay_from is not None else self.args.steps
            self.rng.bit_generator.state = state["rng"]
        self.log({"event": "resumed", "from": path, "step": self.step})

    def save(self, name="checkpoint.pt"):
        state = {"net": self.net.state_dict(), "average": self.average.state_dict(), "optimiser": self.optimiser.state_dict(),
                 "network": [self.args.network, self.args.width, self.args.variant], "step": self.step, "steps": self.args.steps, "decay_from": self.decay_from, "fold": self.args.fold,
                 "rng": self.rng.bit_generator.state}
        torch.save(state, self.path(name) + ".tmp")
        os.replace(self.path(name) + ".tmp", self.path(name))

    def log(self, entry):
        with open(self.path("log.jsonl"), "a", encoding="utf-8") as fh:
            fh.write(json.dumps(dict(entry, cpu_s=round(time.process_time(), 1))) + "\n")

    def set_rate(self):
        left = self.args.steps - self.step
        if self.decay_from is None and os.path.exists(self.path("decay")):
            with open(self.path("decay"), encoding="utf-8") as fh:
                left = self.args.decay = int(fh.read())
            self.args.steps = self.step + left
        if self.decay_from is None and left <= self.args.decay:
            self.decay_from = self.step
            self.save("stable.pt")
            self.log({"event": "decay", "step": self.step, "steps": self.args.steps})
        fall = 1.0 if self.decay_from is None else max(0.0, left / max(1, self.args.decay))
        rate = self.args.rate * fall * min(1.0, (self.step + 1) / 100)
        self.optimiser.param_groups[0]["lr"] = rate
        for group in self.optimiser.param_groups[1:]:
            for p in group["params"]:
                p.requires_grad_(self.step >= self.args.head_steps)
            backbone_warm = min(1.0, max(0.0, (self.step - self.args.head_steps) / 300))
            group["lr"] = rate * self.args.backbone_rate * backbone_warm

    def update_average(self):
        keep = min(self.args.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for a, p in zip(self.average.parameters(), self.net.parameters()):
                a.lerp_(p, 1 - keep)
            for a, b in zip(self.average.buffers(), self.net.buffers()):
                a.copy_(b)  # of the normalisation: averages already

    def train_step(self, batch):
        x = batch["x"].to(self.args.device).contiguous(memory_format=torch.channels_last)
        kind = self.args.device.split(":")[0]
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=self.args.bf16):
            output = self.net(x)
        target = {k: v.to(self.args.device) if k != "points" else [p.to(self.args.device) for p in v] for k, v in batch.items()}
        loss = training_loss([o if o is None else o.float() for o in output], target, self.args.loss, STRIDE)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimiser.step()
        return float(loss.detach()), float((output[0].detach().float().sum((1, 2, 3)) - target["density"].sum((1, 2, 3))).abs().mean())

    def test(self):
        if self.args.fold < 0:
            return
        rows = held_out(copy.deepcopy(self.average).cpu(), self.args.data, self.args.fold)
        self.log(dict({"step": self.step}, **{"held_out": summary(rows)}))


def main():
    args = arguments()
    keep_large_blocks()
    torch.set_num_threads(args.threads)
    run = Run(args)
    with open(run.path("arguments.json"), "w", encoding="utf-8") as fh:
        json.dump(dict(vars(args), parameters=parameters(run.net), torch=torch.__version__), fh, indent=1)
    crops = Crops(args.data, args.fold, args.crop, args.negatives)
    sums = []
    while run.step < args.steps:
        run.set_rate()
        sums.append(run.train_step(crops.batch(run.rng, args.batch)))
        run.step += 1
        run.update_average()
        if run.step % 100 == 0:
            run.log({"step": run.step, "loss": round(float(np.mean([s[0] for s in sums])), 4),
                     "crop_mae": round(float(np.mean([s[1] for s in sums])), 3),
                     "rate": run.optimiser.param_groups[0]["lr"]})
            sums = []
        if run.step % args.test_every == 0:
            run.test()
        if run.step % args.save_every == 0:
            run.save()
    run.save()
    run.test()
    run.log({"event": "finished", "step": run.step})


if __name__ == "__main__":
    main()
