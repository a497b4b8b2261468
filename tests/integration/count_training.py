#!/usr/bin/python3
"""Training of the counting network from end to end, on a handful of made-up pictures: targets, two short runs of which the second goes on
where the first stopped, evaluation, export; and the program counts what PyTorch counts. Prints TAP.

Needs Debian's python3-torch, python3-scipy, python3-onnx and python3-pil; skipped without them.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from sci_service import BINARY, ROOT, Tap  # noqa: E402

tap = Tap()
MODELS = ROOT / "models/count"
RUNTIME = ROOT / "vendor/onnxruntime/lib/libonnxruntime.so.1"
try:
    import numpy as np
    import onnx
    import scipy  # noqa: F401
    import torch
    from PIL import Image
except ImportError as missing:
    tap.skip("training", f"{missing.name} is not installed")
    sys.exit(tap.end())
sys.path.insert(0, str(MODELS))
sys.path.insert(0, str(ROOT / "models"))
import attach_head  # noqa: E402
import csrnet  # noqa: E402
import detector_head  # noqa: E402
import export as exporter  # noqa: E402
import losses  # noqa: E402
import networks  # noqa: E402
import targets  # noqa: E402
from data import normalised  # noqa: E402
from evaluate import count_picture, load_run, padded  # noqa: E402
from network import CrowdNet, parameters  # noqa: E402

folder = pathlib.Path(tempfile.mkdtemp(prefix="sci-training-"))
rng = np.random.default_rng(5)


def mass():
    for kernel in ("fixed", "adaptive"):
        for count in (0, 1, 3, 4, 700):
            heads = rng.uniform(-20, 220, (count, 2))
            if count == 700:
                heads[:20] = heads[0]  # people at one and the same place
                heads[20] = (0, 0)
            heads = np.clip(heads, 0, (199.999, 159.999))
            made = targets.density(heads, targets.widths(heads, kernel), 20, 25, 8)
            tap.check(abs(made.sum() - count) < 1e-9 and (made >= 0).all(), f"{kernel} kernel: {count} heads weigh {count}", str(made.sum()))


def loss_is_least_at_the_truth():
    heads = [torch.tensor(rng.uniform(20, 108, (6, 2)), dtype=torch.float32)]
    target = torch.from_numpy(targets.density(heads[0].numpy(), np.full(6, 8.0), 16, 16, 8))[None, None].float()
    for name, loss in losses.MAP_LOSSES.items():
        at, more, moved = (float(loss(m, target, heads, 8)) for m in (target, target * 1.3, torch.roll(target, 6, 3)))
        tap.check(at < more and at < moved, f"{name}: the truth costs least", f"{at} {more} {moved}")


def pictures():
    """Bright dots on dark ground, each a head: ten pictures, two parts."""
    for part in "AB":
        place = folder / f"data/part_{part}/train"
        place.mkdir(parents=True)
        for i in range(1, 6):
            image = rng.integers(0, 60, (192, 256, 3)).astype(np.uint8)
            heads = rng.uniform(5, (251, 187), (rng.integers(3, 40), 2))
            for x, y in heads.astype(int):
                image[y - 2:y + 3, x - 2:x + 3] = 230
            Image.fromarray(image).save(place / f"IMG_{i}.jpg", quality=95)
            (place / f"IMG_{i}.csv").write_text("x,y\n" + "".join(f"{x:.1f},{y:.1f}\n" for x, y in heads))


def script(name, *arguments):
    result = subprocess.run(["/usr/bin/python3", str(MODELS / name), *map(str, arguments)], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[-800:]
    return result.stdout


def train(run, steps, *more):
    script("train.py", *more, "--data", folder / "set", "--run", folder / run, "--steps", steps, "--decay", 2, "--head-steps", 2, "--batch", 2,
           "--crop", 128, "--save-every", 2, "--test-every", 1000, "--fold", 0)
    return torch.load(folder / run / "checkpoint.pt")


def training():
    script("prepare.py", "--data", folder / "data", "--out", folder / "set", "--folds", 5)
    index = json.loads((folder / "set/index.json").read_text())["pictures"]
    tap.check(len(index) == 10 and sorted({e["fold"] for e in index}) == [0, 1, 2, 3, 4], "ten pictures in five folds")
    tap.check(parameters(CrowdNet()) <= 1_000_000, "at most a million parameters", str(parameters(CrowdNet())))
    once = train("once", 6)
    again = train("again", 6)
    same = all(torch.equal(once["net"][k], again["net"][k]) for k in once["net"])
    tap.check(once["step"] == 6 and same, "the same seed gives the same weights")
    log = [json.loads(line) for line in (folder / "once/log.jsonl").read_text().splitlines()]
    tap.check(any("held_out" in e for e in log) and log[-1]["event"] == "finished", "a log with the held-out error", str(log))
    longer = train("once", 8)  # the fall of the rate has begun: nothing is left to do
    tap.check(longer["step"] == 6, "a finished run stays finished")


def other_networks():
    for name, more in {"plain": ("csrnet", "--variant", "plain", "--width", "0.125"), "attention": ("csrnet", "--variant", "attention"),
                       "multiscale": ("csrnet", "--variant", "multiscale"), "head": ("head",), "bayes": ("crowdnet", "--loss", "bayes")}.items():
        state = train(name, 3, "--network", *more)
        before = torch.load(folder / "once/checkpoint.pt")
        net, _ = load_run(folder / name)
        with torch.no_grad():
            density, _, total, crowd = net(torch.zeros(1, 3, 64, 96))
        tap.check(state["step"] == 3 and state["network"] != before["network"] or name == "bayes", f"{name}: trains")
        tap.check(density.shape == (1, 1, 8, 12) and total.shape == (1, 1) and crowd.shape == (1, 4) and bool((density >= 0).all()),
                  f"{name}: a map, a rate, a class", str(density.shape))
    full = sum(p.numel() for n, p in csrnet.CSRNet(1.0, "plain").named_parameters() if "total" not in n and "crowd" not in n)
    tap.check(16.2e6 < full < 16.4e6, "csrnet in full width has the published 16.3 million parameters", str(full))


def export():
    errors, big, small = folder / "errors.json", folder / "float.onnx", folder / "int8.onnx"
    script("evaluate.py", "--data", folder / "set", "--run", folder / "once", "--json", errors)
    tap.check(len(json.loads(errors.read_text())) == 2, "two pictures are held out")
    if not RUNTIME.exists():
        tap.skip("export", "vendor/onnxruntime is not there")
        return
    out = script("export.py", "--run", folder / "once", "--data", folder / "set", "--errors", errors, "--ort", RUNTIME, "--float", big,
                 "--int8", small, "--pictures", 3, "--compare", 1)
    tap.check("interval" in out and big.stat().st_size > 3 * small.stat().st_size, "float and INT8 are written", out)
    net, _ = load_run(folder / "once")
    net.eval()
    again = networks.build("crowdnet")
    networks.load_onnx(again, big)
    tap.check(all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), again.state_dict().values())), "an exported network can be trained on")
    for size in ((1280, 960), (1300, 701)):  # sizes that are counted as they are
        bgr = rng.integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
        path = folder / "whole.png"
        Image.fromarray(bgr[:, :, ::-1]).save(path)
        cells = folder / "cells.csv"
        subprocess.run([BINARY, "count", "--model", big, "--cells", cells, path], cwd=ROOT, check=True, capture_output=True)
        got = np.loadtxt(cells, delimiter=",", skiprows=1)[:, 4]
        with torch.no_grad():
            want = net(torch.from_numpy(padded(normalised(bgr)))[None])[0][0, 0]
        want = want[:-(-size[1] // 8), :-(-size[0] // 8)].reshape(-1).numpy()
        tap.check(len(got) == len(want) and np.abs(got - want).max() < 1e-4, "%dx%d: the program's cells are PyTorch's" % size,
                  f"{np.abs(got - want).max()} {got.sum()} {count_picture(net, bgr)}")


class MadeDetector(torch.nn.Module):
    """The detector's layers up to what the head reads, and outputs as its family has them."""

    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone

    def forward(self, x):
        stage, pyramid = self.backbone(x)
        rows = []
        for k in (1, 2, 4):
            rows.append(torch.nn.functional.avg_pool2d(pyramid, k).flatten(2).transpose(1, 2))
        firsts = [r[:, :, :1] - r[:, :, :1].mean(1, keepdim=True) for r in rows]
        scores = [torch.sigmoid(8 * f / (f * f).mean(1, keepdim=True).sqrt() - 18) for f in firsts]  # a few cells are sure
        return (*scores, *(r[:, :, :44] for r in rows), stage, pyramid)


def made_detector(backbone, path):
    names = [f"{kind}_{stride}" for kind in ("scores", "distances") for stride in (8, 16, 32)] + list(detector_head.TENSORS)
    rows = {name: {1: "n_" + name} for name in names[:6]}
    torch.onnx.export(MadeDetector(backbone).eval(), torch.zeros(1, 3, 64, 96), str(path), opset_version=13, input_names=["x"], output_names=names,
                      dynamic_axes=dict(rows, x={2: "h", 3: "w"}))
    model = onnx.load(path)
    exporter.constants_to_initializers(model.graph)
    del model.graph.output[6:]
    onnx.save(model, path)
    return model


def head_on_detector():
    """The trained head on a detector of random weights: the program's cells are PyTorch's, and the boxes those without the head."""
    if not RUNTIME.exists():
        tap.skip("a head on the detector", "vendor/onnxruntime is not there")
        return
    state = torch.load(folder / "head/checkpoint.pt", map_location="cpu")
    net = networks.of_checkpoint(state).to(memory_format=torch.contiguous_format).eval()
    for p in net.head.parameters():
        p.data += 0.02 * torch.randn_like(p)  # equal constants would become one
    plain, whole = folder / "detector.onnx", folder / "detector_crowd.onnx"
    detector = made_detector(net.backbone, plain)
    head = exporter.to_onnx(net, str(folder / "head.onnx"), (2.0, 0.25, 0.5))
    checksum = attach_head.backbone_checksum(detector.graph, detector_head.TENSORS)
    head.metadata_props.add(key="backbone_sha256", value=checksum)
    onnx.save(attach_head.attach(detector, head), str(whole))
    head.metadata_props[-1].value = checksum[::-1]
    try:
        attach_head.attach(detector, head)
        tap.check(False, "a head of another detector is refused")
    except SystemExit as refused:
        tap.check("another detector" in str(refused), "a head of another detector is refused", str(refused))
    config, path, cells = folder / "head.yaml", folder / "whole.png", folder / "cells.csv"
    config.write_text(f"inference: {{model: {whole}, density_model: detector}}\n")
    for size in ((1280, 960), (1300, 701)):
        bgr = rng.integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
        Image.fromarray(bgr[:, :, ::-1]).save(path)
        result = subprocess.run([BINARY, "count", "-c", config, "--cells", cells, path], cwd=ROOT, capture_output=True, text=True)
        tap.check(result.returncode == 0, "the detector with a head counts", result.stderr)
        got = np.loadtxt(cells, delimiter=",", skiprows=1)[:, 4]
        with torch.no_grad():
            want = net(torch.from_numpy(padded(normalised(bgr)))[None])[0][0, 0]
        want = want[:-(-size[1] // 8), :-(-size[0] // 8)].reshape(-1).numpy()
        tap.check(len(got) == len(want) and np.abs(got - want).max() < 1e-4 and abs(got.sum() - want.sum()) < 1e-3 * want.sum(),
                  "%dx%d: the head's cells are PyTorch's" % size, f"{np.abs(got - want).max()} {got.sum()} {want.sum()}")
    boxes = []
    for model in (plain, whole):
        config.write_text(f"inference: {{model: {model}}}\ncounting: {{mode: boxes}}\n")
        result = subprocess.run([BINARY, "analyze", path, "-c", config, "--quiet", "--format", "mot"], cwd=ROOT, capture_output=True, text=True)
        boxes.append((result.returncode, result.stdout))
    tap.check(boxes[0] == boxes[1] and boxes[0][0] == 0 and boxes[0][1], "boxes are those of the detector alone", str(boxes)[:400])


torch.set_num_threads(1)
for name, part in {"mass": mass, "losses": loss_is_least_at_the_truth, "pictures": pictures, "training": training, "networks": other_networks, "export": export, "head on the detector": head_on_detector}.items():
    tap.run(name, part)
sys.exit(tap.end())
