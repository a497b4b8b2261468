#!/usr/bin/env python3
"""The detector that needs no model, through the real program: chosen by name, or because the model's file is not there, which is then
said wherever somebody looks. Prints TAP. Python's standard library alone.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from sci_service import BINARY, CLIP, ROOT, Service, Tap  # noqa: E402

tap = Tap()
folder = pathlib.Path(tempfile.mkdtemp(prefix="sci-hog-"))
NONE = folder / "none.onnx"
# Frame 300 of the sample clip and the people in it, read off the picture.
PEOPLE = ((185, 159, 27, 73), (248, 160, 25, 61), (294, 162, 25, 69), (319, 210, 29, 85), (583, 159, 28, 74), (617, 165, 24, 67))


def sci(*arguments):
    return subprocess.run([BINARY, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=300)


def stands_in():
    picture, config = folder / "grey.pgm", folder / "none.yaml"
    picture.write_bytes(b"P5 320 240 255\n" + bytes([90]) * (320 * 240))
    config.write_text(f"inference: {{model: {NONE}}}\n")
    result = sci("analyze", picture, "-c", config)
    tap.check(result.returncode == 0 and "warning" in result.stderr and "none.onnx" in result.stderr and "HOG" in result.stderr,
              "analyze without the model's file goes on and says so", result.stderr)
    config.write_text(f"inference: {{model: {NONE}, family: nanodet}}\n")
    result = sci("analyze", picture, "-c", config)
    tap.check(result.returncode == 1 and "none.onnx" in result.stderr, "but not where a family was asked for", result.stderr)
    config.write_text("inference: {model: hog}\n")
    result = sci("analyze", picture, "-c", config)
    tap.check(result.returncode == 0 and "warning" not in result.stderr, "hog by name is no reason to warn", result.stderr)
    truth = folder / "none.txt"
    truth.write_text("1,1,0,0,10,10,1\n")
    result = sci("eval", "detect", "--truth", truth, "--video", picture, "--model", NONE)
    tap.check(result.returncode == 1 and "none.onnx" in result.stderr, "eval detect scores the model that it was given or none", result.stderr)


def finds_people():
    truth, boxes = folder / "gt.txt", folder / "boxes.txt"
    truth.write_text("".join("300,%d,%d,%d,%d,%d,1\n" % (i, *p) for i, p in enumerate(PEOPLE)))
    arguments = ("eval", "detect", "--truth", truth, "--video", CLIP, "--frames", "300-300", "--model", "hog", "--json", "-", "--write", boxes)
    result = sci(*arguments)
    figures = json.loads(result.stdout[result.stdout.index("{"):]) if result.returncode == 0 else {}
    tap.check(figures.get("best_f1", 0) > 0.8 and figures["right"] >= 5 and figures["wrong"] <= 2, "people on a real picture", result.stdout + result.stderr)
    first = boxes.read_bytes()
    sci(*arguments)
    tap.check(first == boxes.read_bytes(), "the same boxes on repeat")


def service_says_so():
    with_camera = Service(f"streams:\n  - {{stream_id: square, uri: {CLIP}, loop: true}}\n")
    text = with_camera.config.read_text()
    with_camera.config.write_text(text[:text.index("inference: {model: ")] + f"inference: {{model: {NONE}, workers: 1}}\n" +
                                  text[text.index("recorder:"):])
    with with_camera as service:
        viewer = service.key("viewer")
        status = json.loads(service.request("GET", "/status", viewer)[2])
        warned = [w for w in status["warnings"] if "HOG" in w and "none.onnx" in w]
        tap.check(status["detector"] == "hog" and len(warned) == 1, "GET /status says so", json.dumps(status))
        tap.check("HOG" in service.log.read_text(), "and so does the log")


stands_in()
if CLIP.exists():
    finds_people()
    tap.run("the service without the model's file", service_says_so)
else:
    tap.skip("people on a real picture", f"{CLIP.name} is not there")
sys.exit(tap.end())
