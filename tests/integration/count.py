#!/usr/bin/env python3
"""Counting as a person calls it: answers, refusals, and files that are no pictures. Prints TAP.

The network here is one whose answer is known (tests/data/models/tiny_density.onnx): people per cell = the blue channel, 0 to 1.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from sci_service import BINARY, ROOT, Tap  # noqa: E402

tap = Tap()
folder = pathlib.Path(tempfile.mkdtemp(prefix="sci-count-"))
MODEL = "tests/data/models/tiny_density.onnx"
SHIPPED = ROOT / "models/crowdnet_int8.onnx"


def sci(*arguments):
    return subprocess.run([BINARY, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=300)


def picture(name, width, height, value):
    """A flat grey picture as PGM."""
    path = folder / name
    path.write_bytes(b"P5 %d %d 255\n" % (width, height) + bytes([value]) * (width * height))
    return path


def fails(name, arguments, code, *words):
    result = sci(*arguments)
    ok = result.returncode == code and result.stderr.startswith("sci: ") and all(word in result.stderr for word in words)
    tap.check(ok, name, f"exit {result.returncode}\n{result.stderr}")


def answers():
    white, black = picture("white.pgm", 1024, 768, 255), picture("black.pgm", 1024, 768, 0)
    result = sci("count", "--model", MODEL, "--json", white, black)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    tap.check(result.returncode == 0 and [r["image"] for r in rows] == [str(white), str(black)], "one object a picture, in order", result.stderr)
    tap.check(all(set(r) == {"image", "count", "low", "high", "regime", "crowd"} for r in rows), "its members", result.stdout)
    tap.check(19000 < rows[0]["count"] < 19200 and rows[1]["count"] < 250, "the counts are the network's", result.stdout)
    tap.check(all(r["low"] <= r["count"] <= r["high"] and r["regime"] == "density" for r in rows), "an interval and the regime", result.stdout)
    tap.check(result.stdout == sci("count", "--model", MODEL, "--json", white, black).stdout, "the same bytes on repeat")
    for size in ((1, 1), (7680, 4320), (2, 3000)):
        result = sci("count", "--model", MODEL, picture("odd.pgm", *size, 90))
        tap.check(result.returncode == 0 and "people" in result.stdout, "%dx%d is counted" % size, result.stderr)


def map_and_cells():
    white, jpeg, cells = picture("map.pgm", 1024, 768, 255), folder / "map.jpg", folder / "cells.csv"
    result = sci("count", "--model", MODEL, "--json", "--map", jpeg, "--cells", cells, white)
    count = json.loads(result.stdout)["count"]
    lines = cells.read_text().splitlines()
    total = sum(float(line.split(",")[4]) for line in lines[1:])
    tap.check(lines[0] == "x,y,width,height,people" and len(lines) == 1 + 160 * 120, "cells: a header and a row for each")
    tap.check(abs(total - count) < 0.05, "the cells sum to the count", f"{total} {count}")
    tap.check(jpeg.read_bytes()[:2] == b"\xff\xd8", "the map is a JPEG")
    before = jpeg.read_bytes()
    sci("count", "--model", MODEL, "--map", jpeg, picture("dark.pgm", 1024, 768, 0))
    tap.check(jpeg.read_bytes() != before, "another picture, another map")


def several_models():
    """Two that say n and n / 2."""
    white, half = picture("white.pgm", 1024, 768, 255), "tests/data/models/half_density.onnx"
    one, both = (json.loads(sci("count", "--json", *arguments, white).stdout) for arguments in (("--model", MODEL), ("--model", MODEL, "--model", half)))
    tap.check(abs(both["count"] - 0.75 * one["count"]) < 2, "several models: their mean", (one, both))
    tap.check((both["high"] - both["count"]) / both["count"] > 2 * (one["high"] - one["count"]) / one["count"], "and where they differ a wider interval", (one, both))
    config = folder / "ensemble.yaml"
    config.write_text(f"inference: {{density_model: {ROOT / MODEL}, density_ensemble: [{ROOT / half}]}}\n")
    tap.check(json.loads(sci("count", "--json", "-c", config, white).stdout) == both, "the same from the configuration")
    fails("a further model that is not there", ["count", "--model", MODEL, "--model", folder / "none.onnx", white], 1, "none.onnx")
    fails("too many models", ["count", *["--model", MODEL] * 5, white], 2, "four models")


def refusals():
    white = picture("ok.pgm", 64, 64, 255)
    fails("no model", ["count", "--model", folder / "none.onnx", white], 1, "no density model installed", "none.onnx")
    fails("a detector is no density network", ["count", "--model", "tests/data/models/tiny_nanodet.onnx", white], 1, "density")
    fails("no pictures", ["count"], 2, "which pictures")
    fails("two pictures for one map", ["count", "--model", MODEL, "--map", folder / "x.jpg", white, white], 2, "one picture")
    fails("a long side that is none", ["count", "--long-side", "0", white], 2, "long side")
    fails("an unknown option", ["count", "--frob", white], 2, "frob")
    truncated, text = folder / "truncated.jpg", folder / "text.jpg"
    sci("count", "--model", MODEL, "--map", truncated, picture("big.pgm", 640, 480, 120))
    truncated.write_bytes(truncated.read_bytes()[:4000])
    text.write_text("no picture\n" * 50)
    result = sci("count", "--model", MODEL, "--json", truncated, text, folder / "none.jpg", white)
    said = result.stderr.splitlines()
    tap.check(result.returncode == 1 and len(said) == 3 and "truncated.jpg" in said[0] and "text.jpg" in said[1] and "none.jpg" in said[2],
              "each bad file is named", result.stderr)
    tap.check(len(result.stdout.splitlines()) == 1, "the good one is counted all the same", result.stdout)


def evaluation():
    """Three pictures with known heads; the figures worked out here."""
    paths, counts = [], []
    for i, value in enumerate((255, 120, 0)):
        paths.append(picture(f"eval{i}.pgm", 256, 192, value))
        counts.append(json.loads(sci("count", "--model", MODEL, "--json", paths[-1]).stdout))
    heads = [round(c["count"]) + d for c, d in zip(counts, (10, -5, 0))]
    for path, n in zip(paths, heads):
        path.with_suffix(".csv").write_text("x,y\n" + "1.5,2.5\n" * n)
    result = sci("eval", "count", "--model", MODEL, "--json", "-", "--list", folder / "list.csv", *paths)
    figures = json.loads(result.stdout.splitlines()[-1])
    errors = [c["count"] - n for c, n in zip(counts, heads)]
    tap.check(figures["pictures"] == 3 and abs(figures["mae"] - sum(map(abs, errors)) / 3) < 0.01, "MAE", result.stdout)
    tap.check(abs(figures["rmse"] - (sum(e * e for e in errors) / 3) ** 0.5) < 0.01 and abs(figures["bias"] - sum(errors) / 3) < 0.01, "RMSE and bias", result.stdout)
    inside = sum(c["low"] <= n <= c["high"] for c, n in zip(counts, heads)) / 3
    tap.check(abs(figures["inside_90"] - inside) < 0.001, "share inside the interval", result.stdout)
    tap.check([line.split(",")[1] for line in (folder / "list.csv").read_text().splitlines()[1:]] == [str(n) for n in heads], "the list")
    fails("a picture without marks", ["eval", "count", "--model", MODEL, picture("unmarked.pgm", 9, 9, 1)], 1, "unmarked.csv")
    fails("eval without pictures", ["eval", "count"], 2, "which pictures")


def whole_analysis():
    """sci analyze with the density network beside the detector: a white clip is packed, a black one empty."""
    detector = ROOT / "var/models/nanodet_g_int8.onnx"
    if not detector.exists():
        tap.skip("sci analyze with the density network", "the detector is not there: run scripts/setup.sh --no-start")
        return
    stills = folder / "stills"
    stills.mkdir()
    for i in range(8):
        rows = bytes(255 - i - (x // 8 % 2) * 40 for x in range(640))  # a flat picture shows nothing and is not measured
        (stills / f"{i}.pgm").write_bytes(b"P5 640 480 255\n" + rows * 480)
    config = folder / "analyze.yaml"
    config.write_text(f"inference: {{density_model: {ROOT / MODEL}, model: {detector}}}\ncounting: {{mode: auto, interval: 300ms}}\n"
                      f"streams: [{{stream_id: wall, uri: {stills}, frame_rate: 10}}, {{stream_id: boxes, uri: {stills}, frame_rate: 10, counting: {{mode: boxes}}}}]\n")
    one, many = (sci("analyze", stills, "-c", config, "--stream", "wall", "--quiet", "--workers", n) for n in (1, 3))
    rows = [json.loads(line) for line in one.stdout.splitlines()]
    tap.check(one.returncode == 0 and len(rows) == 8 and one.stdout == many.stdout, "a folder: the same bytes for one worker and three", one.stderr)
    people = [row["people"]["value"] for row in rows]
    tap.check(all(row["regime"] == "density" for row in rows) and 15600 < people[0] < 19200, "the density network's count", people)
    tap.check(people[0] == people[1] == people[2] and people[3] < people[0], "it looks every 300 ms of stream time", people)
    tap.check(rows[0]["people"]["low"] < people[0] < rows[0]["people"]["high"] and len(rows[0]["density"]["picture"]["cells"]) > 100, "with its interval and its map")
    boxes = [json.loads(line) for line in sci("analyze", stills, "-c", config, "--stream", "boxes", "--quiet").stdout.splitlines()]
    tap.check(all(row["people"]["value"] == 0 and row["regime"] == "boxes" and row["density"]["picture"] is None for row in boxes), "counting: boxes does without it")
    config.write_text(f"inference: {{density_model: none.onnx, model: {detector}}}\ncounting: {{mode: auto}}\n")
    result = sci("analyze", stills / "0.pgm", "-c", config)
    tap.check(result.returncode == 0 and "boxes only" in result.stderr and json.loads(result.stdout)["regime"] == "boxes", "without the model: boxes, and it says so", result.stderr)
    config.write_text(f"inference: {{density_model: none.onnx, model: {detector}}}\ncounting: {{mode: density}}\n")
    fails("counting: density without the model", ["analyze", stills / "0.pgm", "-c", config, "--quiet"], 1, "no density model installed")


def installed_head():
    """The detector with our density head, as set-up makes it."""
    file = ROOT / "var/models/nanodet_g_crowd_int8.onnx"
    clip = ROOT / "var/sample/vtest.avi"
    if not (file.exists() and clip.exists()):
        tap.skip("the installed density head", "it is not there: run scripts/setup.sh --no-start")
        return
    street, config = folder / "street.png", folder / "installed.yaml"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", clip, "-frames:v", "1", street], check=True)
    config.write_text(f"inference: {{model: {file}, density_model: detector}}\n")
    result = sci("count", "--json", "--mode", "density", "-c", config, street, picture("nobody.pgm", 640, 480, 0))
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    tap.check(result.returncode == 0 and len(rows) == 2, "the installed density head counts", result.stderr)
    tap.check(3 < rows[0]["count"] < 12 and rows[1]["count"] < 1, "a handful in a street, and nobody in the dark", rows)


def detector_head():
    """A density head on the detector: the file alone, the detector's own, and no head at all."""
    white, grey = picture("white.pgm", 1024, 768, 255), picture("grey.pgm", 700, 500, 130)
    file, config = ROOT / "tests/data/models/tiny_nanodet_crowd.onnx", folder / "head.yaml"
    config.write_text(f"inference: {{model: {file}, density_model: detector}}\n")
    own, alone = (sci("count", "--json", *more, white, grey) for more in (("-c", config), ("--model", file)))
    row = json.loads(own.stdout.splitlines()[0])
    tap.check(own.stdout == alone.stdout and 19000 < row["count"] < 19200 and row["regime"] == "density", "the head counts, from the detector's file", own.stdout + own.stderr)
    both = sci("count", "--json", "-c", config, "--mode", "auto", white)
    tap.check(both.returncode == 0 and json.loads(both.stdout)["regime"] in ("density", "blended"), "auto with boxes and the head of one file", both.stderr)
    stills = folder / "head-stills"
    stills.mkdir()
    for i in range(6):
        (stills / f"{i}.pgm").write_bytes(b"P5 640 480 255\n" + bytes(255 - 9 * i - (x // 8 % 2) * 40 for x in range(640)) * 480)
    config.write_text(f"inference: {{model: {file}, density_model: detector}}\ncounting: {{mode: density, interval: 5s}}\n")
    one, many = (sci("analyze", stills, "-c", config, "--fps", "10", "--quiet", "--workers", n) for n in (1, 3))
    people = [json.loads(line)["people"]["value"] for line in one.stdout.splitlines()]
    tap.check(one.returncode == 0 and one.stdout == many.stdout and len(people) == 6, "a folder: the same bytes for one worker and three", one.stderr)
    tap.check(all(a > b * 1.01 for a, b in zip(people, people[1:])), "every picture is looked at, whatever the interval", people)
    tap.check(2500 < people[0] < 64 * 48, "at the detector's size: 512 x 384", people)
    cells = json.loads(one.stdout.splitlines()[0])["density"]["picture"]
    tap.check((cells["columns"], cells["rows"]) == (16, 12), "with its map, in blocks of 4 x 4 cells", (cells["columns"], cells["rows"]))
    config.write_text(f"inference: {{model: {file}, density_model: none.onnx}}\ncounting: {{mode: density}}\n")
    stands_in = sci("analyze", stills, "-c", config, "--fps", "10", "--quiet")
    tap.check(stands_in.stdout == one.stdout, "a head stands in for a density model that is not there", stands_in.stderr)
    config.write_text("inference: {model: tests/data/models/tiny_nanodet.onnx, density_model: detector}\n")
    fails("a detector without a head", ["count", "-c", config, white], 1, "tiny_nanodet.onnx has no density head")
    fails("and in an analysis", ["analyze", stills, "-c", config, "--quiet"], 1, "has no density head")
    said = sci("doctor", "-c", config).stdout
    tap.check("has no density head" in said, "sci doctor says so", said)
    config.write_text("inference: {density_model: detector, density_ensemble: [a.onnx]}\n")
    fails("a head and an ensemble", ["config", "check", "-c", config], 1, "density_ensemble", "detector's head")


def shipped_weights():
    if not SHIPPED.exists():
        tap.skip("pictures of nobody, with the project's weights", "models/crowdnet_int8.onnx is not there")
        return
    for value in (0, 90, 255):
        row = json.loads(sci("count", "--json", picture("nobody.pgm", 640, 480, value)).stdout)
        tap.check(row["count"] < 1 and row["low"] == 0, f"grey {value} shows nobody", str(row))


answers()
map_and_cells()
several_models()
refusals()
evaluation()
whole_analysis()
installed_head()
detector_head()
shipped_weights()
sys.exit(tap.end())
