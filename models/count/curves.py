#!/usr/bin/python3
"""The curves of training runs as one picture: loss of the crops, and the errors on the held-out fold, over steps.

  curves.py --out curves.png var/count/run0 var/count/csr0

Needs Debian's python3-matplotlib.
"""
import argparse
import json
import os

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


def read(run):
    with open(os.path.join(run, "log.jsonl"), encoding="utf-8") as fh:
        return [json.loads(line) for line in fh]


def smooth(values, keep=0.8):
    out = []
    for v in values:
        out.append(v if not out else keep * out[-1] + (1 - keep) * v)
    return out


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    ap.add_argument("--out", required=True)
    ap.add_argument("runs", nargs="+")
    args = ap.parse_args()
    figure, axes = plt.subplots(1, 3, figsize=(14, 4))
    for run in args.runs:
        log, name = read(run), os.path.basename(os.path.normpath(run))
        steps = [e for e in log if "loss" in e]
        tests = [e for e in log if "held_out" in e]
        axes[0].semilogy([e["step"] for e in steps], smooth([e["loss"] for e in steps]), label=name)
        for axis, part in zip(axes[1:], "AB"):
            axis.semilogy([e["step"] for e in tests], [e["held_out"][part]["mae"] for e in tests], "o-", label=name)
    for axis, title in zip(axes, ("loss on training crops", "held-out MAE, part A", "held-out MAE, part B")):
        axis.set_title(title)
        axis.set_xlabel("step")
        axis.grid(True, which="both", alpha=0.3)
        axis.legend()
    figure.tight_layout()
    figure.savefig(args.out, dpi=90)
    print(args.out)


if __name__ == "__main__":
    main()
