#!/usr/bin/python3
"""Every detector family's real networks through the real program, against a decoder of its own. Prints TAP.

A frame of the sample clip is scaled to the network's input beforehand, so that the program's pre-processing is only the normalisation
and this file can feed ONNX Runtime the same numbers. What comes out is decoded and suppressed here in double precision, from the
families' descriptions, and compared with the boxes that `sci eval detect` writes: 0.01 pixel, 0.0001 score. The networks are in the
shared folder (environment SCI_SHARED, else ../shared beside the source); skipped without it.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from sci_service import BINARY, CLIP, ROOT, Tap  # noqa: E402

tap = Tap()
MODELS = pathlib.Path(os.environ.get("SCI_SHARED", ROOT.parent / "shared")) / "models"
RUNTIME = ROOT / "vendor/onnxruntime/lib/libonnxruntime.so.1"
LEAST = 0.05            # what `sci eval detect` keeps
folder = pathlib.Path(tempfile.mkdtemp(prefix="sci-detectors-"))


def missing():
    for path in (MODELS, CLIP, RUNTIME):
        if not path.exists():
            return f"{path.name} is not there"
    try:
        import numpy  # noqa: F401
        import onnx  # noqa: F401
    except ImportError as e:
        return f"{e.name} is not installed"
    return None


reason = missing()
if reason:
    tap.skip("detector families", reason)
    tap.end()
    sys.exit(0)

import numpy as np  # noqa: E402
import onnx  # noqa: E402

sys.path.insert(0, str(ROOT / "models"))
import ortlite  # noqa: E402

runtime = ortlite.Runtime(str(RUNTIME))


# --- the program's side

def frame(width, height):
    """Frame 300 of the clip as a PPM file in a folder of its own, and its pixels."""
    place = folder / f"{width}x{height}"
    path = place / "frame.ppm"
    if not path.exists():
        place.mkdir()
        subprocess.run(["ffmpeg", "-v", "error", "-i", str(CLIP), "-vf", rf"select=eq(n\,299),scale={width}:{height}", "-frames:v", "1",
                        "-pix_fmt", "rgb24", str(path)], check=True, stdin=subprocess.DEVNULL, timeout=120)
    data = path.read_bytes()
    return place, np.frombuffer(data[-width * height * 3:], np.uint8).reshape(height, width, 3)


def program(model, place, width, height, nms):
    """Rows x, y, w, h, score as the program writes them."""
    truth, out, config = folder / "truth.txt", folder / "out.txt", folder / "sci.yaml"
    truth.write_text("1,1,0,0,10,10,1\n")
    config.write_text(f"detection: {{nms_iou: {nms}, min_width_px: 0, min_height_px: 0}}\ninference: {{threads_per_worker: 1}}\n")
    result = subprocess.run([BINARY, "eval", "detect", "--truth", truth, "--video", place, "-c", config, "--model", model, "--size",
                             f"{width}x{height}", "--write", out], cwd=ROOT, capture_output=True, text=True, timeout=300)
    if result.returncode != 0:
        return None, result.stderr
    return np.array([[float(v) for v in line.split(",")[2:]] for line in out.read_text().splitlines()]).reshape(-1, 5), result.stderr


# --- the reference: boxes left, top, right, bottom and scores from raw outputs

def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def grid(width, height, stride):
    rows, columns = -(-height // stride), -(-width // stride)
    return np.tile(np.arange(columns), rows), np.repeat(np.arange(rows), columns)


def from_centres(c):
    return np.concatenate([c[:, :2] - c[:, 2:] / 2, c[:, :2] + c[:, 2:] / 2], axis=1)


def from_sides(logits, x, y, stride):
    e = np.exp(logits - logits.max(axis=2, keepdims=True))
    d = (e * np.arange(logits.shape[2])).sum(axis=2) / e.sum(axis=2) * np.reshape(stride, (-1, 1))
    return np.stack([x - d[:, 0], y - d[:, 1], x + d[:, 2], y + d[:, 3]], axis=1)


def nanodet(outputs, width, height):
    boxes, scores = [], []
    for i, stride in enumerate((8, 16, 32)):
        column, row = grid(width, height, stride)
        boxes.append(from_sides(outputs[3 + i][0].reshape(len(row), 4, -1), (column + 0.5) * stride, (row + 0.5) * stride, stride))
        scores.append(outputs[i][0][:, 0])
    return np.concatenate(boxes), np.concatenate(scores)


def nanodet_plus(outputs, width, height):
    grids = [grid(width, height, s) + (s,) for s in (8, 16, 32, 64)]
    x, y, stride = (np.concatenate([f(g) for g in grids]) for f in (lambda g: g[0] * g[2], lambda g: g[1] * g[2], lambda g: np.full(len(g[0]), g[2])))
    rows = outputs[0][0]
    return from_sides(rows[:, -32:].reshape(len(rows), 4, 8), x, y, stride), rows[:, 0]


def yolov5(outputs, width, height):
    rows = outputs[0][0]
    return from_centres(rows[:, :4]), rows[:, 4] * rows[:, 5]


ANCHORS = (((10, 13), (16, 30), (33, 23)), ((30, 61), (62, 45), (59, 119)), ((116, 90), (156, 198), (373, 326)))


def yolov5_heads(outputs, width, height):
    boxes, scores = [], []
    for head, stride, anchors in zip(outputs, (8, 16, 32), ANCHORS):
        column, row = grid(width, height, stride)
        s = sigmoid(head[0].reshape(3, -1, len(row)))          # anchors, values, cells
        for a in range(3):
            cx, cy = ((2 * s[a, k] - 0.5 + cell) * stride for k, cell in ((0, column), (1, row)))
            w, h = ((2 * s[a, 2 + k]) ** 2 * anchors[a][k] for k in (0, 1))
            boxes.append(from_centres(np.stack([cx, cy, w, h], axis=1)))
            scores.append(s[a, 4] * s[a, 5])
    return np.concatenate(boxes), np.concatenate(scores)


def yolov8(outputs, width, height):
    return from_centres(outputs[0][0][:4].T), outputs[0][0][4]


def yolox(outputs, width, height):
    rows = outputs[0][0]
    grids = [grid(width, height, s) + (s,) for s in (8, 16, 32)]
    cell = np.concatenate([np.stack(g[:2], axis=1) for g in grids])
    stride = np.concatenate([np.full(len(g[0]), g[2]) for g in grids])[:, None]
    return from_centres(np.concatenate([(rows[:, :2] + cell) * stride, np.exp(rows[:, 2:4]) * stride], axis=1)), rows[:, 4] * rows[:, 5]


MEAN, DEVIATION = np.float32([103.53, 116.28, 123.675]), np.float32([57.375, 57.12, 58.395])
NANODET = lambda rgb: (rgb[:, :, ::-1].astype(np.float32) - MEAN) / DEVIATION      # noqa: E731
YOLO = lambda rgb: rgb.astype(np.float32) / np.float32(255)                        # noqa: E731
YOLOX = lambda rgb: rgb[:, :, ::-1].astype(np.float32)                             # noqa: E731


def overlaps(box, boxes):
    left, top = np.maximum(box[:2], boxes[:, :2]).T
    right, bottom = np.minimum(box[2:], boxes[:, 2:]).T
    both = np.clip(right - left, 0, None) * np.clip(bottom - top, 0, None)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return both / ((box[2] - box[0]) * (box[3] - box[1]) + area - both)


def suppress(boxes, scores, limit):
    """Greedy; equal scores, which networks of integers give, from top to bottom."""
    order, kept = np.lexsort((boxes[:, 0], boxes[:, 1], -scores)), []
    while len(order):
        kept.append(order[0])
        order = order[1:][overlaps(boxes[order[0]], boxes[order[1:]]) <= limit]
    return kept


def reference(model, prepare, decode, rgb, nms):
    height, width = rgb.shape[:2]
    session = ortlite.Session(runtime, model.read_bytes())
    outputs = session.run(prepare(rgb).transpose(2, 0, 1)[None])
    outputs = [outputs[name.decode()].astype(np.float64) for name in session.outputs]
    session.close()
    boxes, scores = decode(outputs, width, height)
    scores = scores.astype(np.float32).astype(np.float64)      # as the program compares them
    # Away from the least score, so that float and double agree about who is in.
    keep = scores >= LEAST - 2e-4
    boxes, scores = boxes[keep], scores[keep]
    if nms < 1:
        kept = suppress(boxes, scores, nms)
        boxes, scores = boxes[kept], scores[kept]
    boxes = np.clip(boxes, 0, [width, height, width, height])
    solid = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    return boxes[solid], scores[solid]


def compare(name, found, boxes, scores):
    """Each of the program's boxes has one of the reference's, and the other way round but for those at the least score."""
    corners = np.concatenate([found[:, :2], found[:, :2] + found[:, 2:4]], axis=1)
    free, worst_box, worst_score = np.ones(len(boxes), bool), 0, 0
    for box, score in zip(corners, found[:, 4]):
        distance = np.maximum(np.abs(boxes - box).max(axis=1), np.abs(scores - score) * 100) + np.where(free, 0, 1e9)
        best = int(np.argmin(distance)) if len(boxes) else -1
        if best < 0 or not free[best]:
            return tap.check(False, name, f"{len(found)} boxes, the reference has {len(boxes)}")
        free[best] = False
        worst_box = max(worst_box, np.abs(boxes[best] - box).max())
        worst_score = max(worst_score, abs(scores[best] - score))
    left = scores[free].max(initial=0)
    tap.check(len(found) > 0 and worst_box <= 0.01 and worst_score <= 1e-4 and left < LEAST + 2e-4,
              f"{name}: {len(found)} boxes, off by at most {worst_box:.4f} px and {worst_score:.6f}", f"score of the surest that is missing {left}")


def cut_heads(model):
    """The same YOLOv5 as the other kind of export gives it: up to the last convolutions."""
    network = onnx.load(str(model))
    heads = [n.output[0] for n in network.graph.node if n.op_type == "Conv" and any(
        d.name == n.input[1] and d.dims[0] == 255 for d in network.graph.initializer)]
    del network.graph.output[:]
    network.graph.output.extend(onnx.helper.make_tensor_value_info(h, onnx.TensorProto.FLOAT, None) for h in heads)
    path = folder / "heads.onnx"
    onnx.save(network, str(path))
    return path


CASES = (
    ("nanodet_g_416_dyn_int8", 416, 416, NANODET, nanodet),
    ("nanodet_g_416_dyn_int8", 512, 384, NANODET, nanodet),
    ("nanodet_plus_m_416", 416, 416, NANODET, nanodet_plus),
    ("nanodet_plus_m_416", 480, 352, NANODET, nanodet_plus),
    ("nanodet_plus_m_416_int8", 480, 352, NANODET, nanodet_plus),
    ("yolov5n_640", 640, 480, YOLO, yolov5),
    ("yolov5n_640_int8", 640, 480, YOLO, yolov5),
    ("yolov5n7_640_int8", 640, 480, YOLO, yolov5),
    ("yolov8n_640_int8", 640, 640, YOLO, yolov8),
    ("yolo11n_640_int8", 640, 640, YOLO, yolov8),
    ("yolox_nano_416", 416, 416, YOLOX, yolox),
)


def families():
    cases = [(MODELS / f"{name}.onnx", name, *rest) for name, *rest in CASES]
    cases.append((cut_heads(MODELS / "yolov5n_640.onnx"), "yolov5n_640, heads", 640, 480, YOLO, yolov5_heads))
    for path, name, width, height, prepare, decode in cases:
        place, rgb = frame(width, height)
        for nms, what in ((1, "all boxes"), (0.6, "suppressed")):
            found, errors = program(path, place, width, height, nms)
            title = f"{name} {width}x{height}, {what}"
            if found is None:
                tap.check(False, title, errors)
                continue
            compare(title, found, *reference(path, prepare, decode, rgb, nms))


def refused():
    place, _ = frame(416, 416)
    for name, words in (("centernet_mobilenetv3_dyn_int8", ("x3", "needed is 1x3xHEIGHTxWIDTH")),
                        ("picodet_s_416", ("1x2704x80", "no known family", "nanodet-plus")),
                        ("osnet_x0_25_msmt17", ("1x512", "no known family")),
                        ("mcnn_shanghaitech_b", ("1x1x", "needed is 1x3xHEIGHTxWIDTH"))):
        found, errors = program(MODELS / f"{name}.onnx", place, 416, 416, 0.6)
        tap.check(found is None and errors.startswith("sci: ") and all(w in errors for w in (name, *words)), f"{name} is refused and why is said", errors)


families()
refused()
sys.exit(tap.end())
