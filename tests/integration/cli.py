#!/usr/bin/env python3
"""The commands as a person calls them: help, output formats, exit codes, bad input. Prints TAP."""
import csv
import json
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from sci_service import BINARY, CLIP, MODEL, ROOT, Tap, assets_missing  # noqa: E402

tap = Tap()
folder = pathlib.Path(tempfile.mkdtemp(prefix="sci-cli-"))


def sci(*arguments, timeout=300):
    return subprocess.run([BINARY, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=timeout)


def fails(name, arguments, code, *words):
    """Exit code, and one line on standard error that begins with "sci: " and holds the words."""
    result = sci(*arguments)
    ok = result.returncode == code and result.stderr.startswith("sci: ") and all(word in result.stderr for word in words)
    tap.check(ok, name, f"exit {result.returncode}\n{result.stderr}")


def help_of_every_command():
    listed = sci("help").stdout
    commands = [line.split()[0] for line in listed.splitlines() if line.startswith("  ") and line.split()[0] != "help"]
    tap.check(len(commands) >= 8, "help lists the commands", listed)
    for command in commands:
        result = sci(command, "--help")
        tap.check(result.returncode == 0 and "Example" in result.stdout and not result.stderr, f"sci {command} --help has an example",
                  result.stdout + result.stderr)


def usage_errors():
    fails("an unknown command", ["frobnicate"], 2, "frobnicate")
    fails("no input", ["analyze"], 2, "which input")
    fails("an unknown option", ["analyze", "x", "--frob"], 2, "frob")
    fails("a format that does not exist", ["analyze", "x", "--format", "xml"], 2, "xml", "jsonl")
    fails("a rate that is none", ["analyze", "x", "--fps", "-1"], 2, "--fps")
    fails("no workers", ["analyze", "x", "--workers", "0"], 2, "--workers")


def small_clip():
    """The sample's first 40 pictures, without decoding them."""
    clip = folder / "small.avi"
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(CLIP), "-frames:v", "40", "-c", "copy", str(clip)], check=True, stdin=subprocess.DEVNULL)
    return clip


def bad_files(clip):
    empty, text, truncated = folder / "empty.avi", folder / "text.avi", folder / "truncated.avi"
    empty.write_bytes(b"")
    text.write_text("this is no video\n" * 200)
    truncated.write_bytes(clip.read_bytes()[: clip.stat().st_size * 2 // 3])
    fails("a file that is missing", ["analyze", folder / "none.avi"], 1, "none.avi")
    fails("a file of zero bytes", ["analyze", empty], 1, "empty.avi")
    fails("a file that is no video", ["analyze", text], 1, "text.avi")
    out = folder / "truncated.jsonl"
    result = sci("analyze", truncated, "--quiet", "--out", out)
    lines = out.read_text().splitlines()
    tap.check(result.returncode == 1 and 10 < len(lines) < 40 and result.stderr.startswith("sci: "),
              "a truncated video gives what it has, an error, exit 1", f"exit {result.returncode}, {len(lines)} lines, {result.stderr}")
    fails("a folder that cannot be written", ["analyze", clip, "--quiet", "--out", folder / "no" / "such" / "file"], 1, "no/such/file")
    full = sci("analyze", clip, "--quiet", "--out", "/dev/full")
    tap.check(full.returncode == 1 and "No space left" in full.stderr, "a full disk is said", full.stderr)
    fails("a dead RTSP address", ["analyze", "rtsp://user:secret@127.0.0.1:9/cam"], 1, "127.0.0.1")
    tap.check("secret" not in sci("analyze", "rtsp://user:secret@127.0.0.1:9/cam").stderr, "the address's password is not said")


def bad_settings(clip):
    cases = {
        "unknown key": ("servr: {port: 1}\n", ":1:1:", "servr"),
        "wrong type": ("server:\n  port: many\n", ":2:9:", "server.port"),
        "repeated zone": (
            "streams:\n  - stream_id: a\n    uri: x.avi\n    zones:\n      - {id: z, polygon: [[0,0],[1,0],[1,1]]}\n      - {id: z, polygon: [[0,0],[1,0],[1,1]]}\n",
            ":6:", "z"),
        "not YAML": ("a: [1, 2\n", ":", ""),
    }
    for name, (text, place, word) in cases.items():
        path = folder / "bad.yaml"
        path.write_text(text)
        result = sci("config", "check", "-c", path)
        said = result.stdout + result.stderr
        tap.check(result.returncode == 1 and f"bad.yaml{place}" in said and word in said, f"config check: {name}", said)
    fails("analyze with a configuration that is missing", ["analyze", clip, "-c", folder / "none.yaml"], 1, "none.yaml")
    fails("analyze with a stream that is not there", ["analyze", clip, "-c", "config/demo.yaml", "--stream", "nave"], 1, "nave")
    model = folder / "model.yaml"
    model.write_text(f"inference: {{model: {folder}/text.avi}}\n")
    fails("a model that is none", ["analyze", clip, "-c", model], 1, "text.avi")
    for name in ("config/demo.yaml", "config/sci.yaml"):
        tap.check(sci("config", "check", "-c", name).returncode == 0, f"{name} is valid")


def outputs(clip):
    def run(*arguments):
        result = sci("analyze", clip, "-c", "config/demo.yaml", "--stream", "square", "--quiet", *arguments)
        assert result.returncode == 0, result.stderr
        return result.stdout

    one, again, three = run("--workers", "1"), run("--workers", "1"), run("--workers", "3")
    tap.check(one == again == three and len(one) > 1000, "the same bytes on repeat and for any number of workers")
    frames = [json.loads(line) for line in one.splitlines()]
    tap.check([f["frame"] for f in frames] == list(range(1, 41)), "one object a frame, numbered from 1")
    tap.check(abs(frames[39]["time_s"] - 39 / 7) < 1e-3, "stream time at the rate of the configuration", frames[39]["time_s"])
    last = frames[39]
    tap.check(last["people"]["valid"] and 2 <= last["people"]["value"] <= 8, "people are found", last["people"])
    tracks = [t for t in last["tracks"] if t["ground"]]
    tap.check(tracks and all(abs(t["ground"]["x"]) < 60 and 0 < t["ground"]["error_m"] < 5 for t in tracks), "people stand on the ground, with an error", tracks)
    tap.check(last["density"]["peak"]["valid"] and last["density"]["peak"]["value"] > 0.1, "density is measured", last["density"]["peak"])
    rows = list(csv.DictReader(run("--format", "csv").splitlines()))
    published = sum(len(f["tracks"]) for f in frames)
    tap.check(len(rows) == published and list(rows[0]) == ["frame", "time_s", "track_id", "x", "y", "w", "h", "score", "ground_x", "ground_y"],
              "CSV has a line a person", len(rows))
    mot = [line.split(",") for line in run("--format", "mot").splitlines()]
    tap.check(len(mot) == published and all(len(row) == 10 for row in mot), "MOTChallenge rows have ten columns")


def motion(clip):
    """The picture's motion on the ground: only where it is asked for, and the same for any number of workers."""
    config = folder / "motion.yaml"

    def run(settings, *arguments):
        result = sci("analyze", clip, "-c", settings, "--stream", "square", "--quiet", *arguments)
        assert result.returncode == 0, result.stderr
        return result.stdout

    for source in ("flow", "vectors"):
        config.write_text((ROOT / "config/demo.yaml").read_text().replace(
            "    frame_rate: 7", f"    motion: {{when: always, source: {source}}}\n    frame_rate: 7"))
        one, three = run(config, "--workers", "1"), run(config, "--workers", "3")
        frames = [json.loads(line) for line in one.splitlines()]
        moving = [f["motion"]["cells"] for f in frames[5:] if f["motion"] and f["motion"]["source"] == source]
        tap.check(one == three and len(moving) == 35 and max(map(len, moving)) >= 4, f"motion on the ground by {source}, the same for any number of workers", len(moving))
        last = frames[-1]
        tap.check(last["motion_share"]["valid"] and 0 < last["motion_share"]["value"] < 30 and 0.2 < last["motion_speed"]["value"] < 3,
                  f"a few people walk on a square, by {source}", (last["motion_share"], last["motion_speed"]))
    boxes = folder / "boxes.yaml"  # by default motion is looked at while the density network counts a part of the people
    boxes.write_text((ROOT / "config/demo.yaml").read_text().replace("    frame_rate: 7", "    counting: {mode: boxes}\n    frame_rate: 7"))
    tap.check("motion_speed" not in json.loads(run(boxes).splitlines()[-1]), "no motion where nobody asked for it")


def uncalibrated(clip):
    result = sci("analyze", clip, "--quiet", "--fps", "7")
    last = json.loads(result.stdout.splitlines()[-1])
    tap.check(result.returncode == 0 and last["density"]["peak"]["valid"] is False and last["density"]["peak"]["value"] is None
              and last["density"]["peak"]["reason"] == "uncalibrated" and last["density"]["grid"] is None,
              "without calibration density is uncalibrated, not a number", last["density"])


def interrupted():
    out = folder / "interrupted.jsonl"
    process = subprocess.Popen([BINARY, "analyze", str(CLIP), "--quiet", "--out", str(out)], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while time.monotonic() < until and (not out.exists() or out.stat().st_size == 0):
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    stderr = process.communicate(timeout=30)[1]
    lines = out.read_text().splitlines()
    complete = all(json.loads(line) for line in lines)
    tap.check(process.returncode == 1 and 0 < len(lines) < 795 and complete and "interrupted" in stderr,
              "SIGINT ends with what there is, and 1", f"exit {process.returncode}, {len(lines)} lines, {stderr}")


def probe(video):
    """(codec, width, height, rate, pictures) of a video, all of them decoded."""
    out = subprocess.run(["ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=codec_name,width,height,r_frame_rate,nb_read_frames",
                          "-of", "json", str(video)], capture_output=True, text=True, check=True).stdout
    stream = json.loads(out)["streams"][0]
    return stream["codec_name"], stream["width"], stream["height"], stream["r_frame_rate"], int(stream["nb_read_frames"])


def pixels(video, number):
    """That picture of a video (from 0), RGB."""
    return subprocess.run(["ffmpeg", "-v", "error", "-i", str(video), "-vf", f"select=eq(n\\,{number})", "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
                          capture_output=True, check=True, stdin=subprocess.DEVNULL).stdout


def annotated_video(clip):
    def annotate(name, *arguments, source=clip):
        out = folder / name
        result = sci("analyze", source, "-c", "config/demo.yaml", "--stream", "square", "--out", folder / (name + ".jsonl"), "--video", out, *arguments)
        return out, result

    one, result = annotate("one.mp4", "--quiet", "--workers", "1")
    again, three = annotate("again.mp4", "--quiet", "--workers", "1")[0], annotate("three.mp4", "--quiet", "--workers", "3")[0]
    tap.check(result.returncode == 0 and one.read_bytes() == again.read_bytes() == three.read_bytes(),
              "an annotated video, the same bytes on repeat and for any number of workers", result.stderr)
    codec, *shape = probe(one)
    tap.check(codec in ("h264", "mpeg4") and shape == [768, 576, "7/1", 40], "it has every picture, at the rate of the configuration", probe(one))
    plain = sci("analyze", clip, "-c", "config/demo.yaml", "--stream", "square", "--quiet").stdout
    tap.check((folder / "one.mp4.jsonl").read_text() == plain, "the numbers are the same with and without a video")
    before, after = pixels(clip, 39), pixels(one, 39)
    box = json.loads(plain.splitlines()[39])["tracks"][0]
    x, y, h = round(box["x"]), round(box["y"]), round(box["h"])
    differs = [max(abs(before[i + c] - after[i + c]) for c in range(3)) > 30 for i in (((y + k) * 768 + x) * 3 for k in range(4, h - 4))]
    tap.check(len(before) == len(after) == 768 * 576 * 3 and sum(differs) > len(differs) / 3, "a person's box is drawn where the numbers say",
              f"{box}: {sum(differs)} of {len(differs)} pixels of its left side")
    empty = [abs(a - b) for a, b in zip(before[-768 * 3 * 40:-768 * 3 * 10], after[-768 * 3 * 40:-768 * 3 * 10])]
    tap.check(sum(empty) / len(empty) < 12, "and nothing where there is nobody", sum(empty) / len(empty))
    mkv, result = annotate("some.mkv")
    tap.check(result.returncode == 0 and probe(mkv)[4] == 40 and "40 frames" in result.stderr and "frames/s" in result.stderr,
              "Matroska, and progress with the rate", result.stderr)
    fails("a video of an unknown kind", ["analyze", clip, "--video", folder / "x.avi", "--quiet"], 1, "x.avi", ".mp4")
    fails("a video in a folder that is not there", ["analyze", clip, "--video", folder / "none" / "x.mp4", "--quiet"], 1, "none/x.mp4", "No such file")
    full = subprocess.run([BINARY, "analyze", str(clip), "--quiet", "--out", "/dev/null", "--video", str(folder / "full.mp4")], cwd=ROOT, capture_output=True,
                          text=True, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)))
    tap.check(full.returncode == 1 and full.stderr.startswith("sci: ") and "full.mp4" in full.stderr, "a video that cannot grow is said",
              f"exit {full.returncode}, {full.stderr}")


def truncated_video(clip):
    cut = folder / "truncated.avi"
    out = folder / "truncated.mp4"
    result = sci("analyze", cut, "--quiet", "--out", folder / "truncated.csv", "--format", "csv", "--video", out)
    tap.check(result.returncode == 1 and 10 < probe(out)[4] < 40, "a truncated input still gives an annotated video that plays", result.stderr)


def images(clip):
    stills = folder / "stills"
    stills.mkdir()
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(clip), "-frames:v", "6", str(stills / "%d.png")], check=True, stdin=subprocess.DEVNULL)
    result = sci("analyze", stills, "--quiet", "--fps", "7")
    tap.check(result.returncode == 0 and len(result.stdout.splitlines()) == 6, "a folder of images", result.stderr)
    result = sci("analyze", stills / "6.png", "--quiet")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    tap.check(result.returncode == 0 and len(lines) == 1 and lines[0]["people"]["value"] >= 2, "the people of one image", result.stdout[:300] + result.stderr)
    for source, pictures in ((stills, 6), (stills / "6.png", 1)):
        out = folder / f"of-{pictures}.mp4"
        result = sci("analyze", source, "--quiet", "--fps", "7", "--out", "/dev/null", "--video", out)
        tap.check(result.returncode == 0 and probe(out)[4] == pictures, f"an annotated video of {source.name}, {pictures} pictures", result.stderr)


help_of_every_command()
usage_errors()
missing = assets_missing()
if missing:
    tap.skip("sci analyze", missing)
else:
    clip_of_40 = small_clip()
    bad_files(clip_of_40)
    bad_settings(clip_of_40)
    outputs(clip_of_40)
    motion(clip_of_40)
    annotated_video(clip_of_40)
    truncated_video(clip_of_40)
    uncalibrated(clip_of_40)
    images(clip_of_40)
    interrupted()
sys.exit(tap.end())
