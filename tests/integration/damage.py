#!/usr/bin/env python3
"""Decoders that fail midway, through the real service: a camera over RTSP whose bit stream is damaged for a second of every five stays and is
counted; one over HTTP that sends rubbish fails, says why, and is live again when it sends pictures; a damaged file is played to its end.
Prints TAP.
"""
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
import farm as farms  # noqa: E402
from farm import Farm  # noqa: E402
from http_camera import HttpCamera  # noqa: E402
from sci_service import CLIP, Service, Tap, assets_missing  # noqa: E402

tap = Tap()


def ffmpeg(*words):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *words], check=True, stdin=subprocess.DEVNULL)


def damaged_clip(folder):
    """Five seconds with a key frame every half; of the third second's bytes, key frames and all, every thirtieth is another."""
    ffmpeg("-r", "25", "-i", str(CLIP), "-t", "5", "-vf", "scale=384:288", "-c:v", "libx264", "-preset", "veryfast", "-g", "12", "-bf", "0",
           "-pix_fmt", "yuv420p", str(folder / "whole.h264"))
    data = bytearray((folder / "whole.h264").read_bytes())
    for at in range(len(data) * 2 // 5, len(data) * 3 // 5, 30):
        data[at] ^= 0xFF
    (folder / "damaged.h264").write_bytes(data)
    ffmpeg("-v", "fatal", "-r", "25", "-i", str(folder / "damaged.h264"), "-c", "copy", str(folder / "damaged.mp4"))
    return folder / "damaged.mp4"


def stream(service, key, name):
    return service.call("GET", f"/streams/{name}", key)[1]


def wait(service, key, name, condition, what, seconds=60):
    return service.wait_until(lambda: (lambda s: s if s and condition(s) else None)(stream(service, key, name)), f"{name}: {what}", seconds)


def metric(service, key, name, stream_id):
    for line in service.request("GET", "/metrics", key)[2].decode().splitlines():
        if line.startswith(f'{name}{{stream="{stream_id}"}} '):
            return float(line.rsplit(" ", 1)[1])
    return None


def torn_stays(service, key):
    """Over three passes of the damage: counted each time, never away, and pictures go on."""
    first = wait(service, key, "torn", lambda s: s["damaged"] > 0, "damage is counted")
    again = wait(service, key, "torn", lambda s: s["damaged"] > first["damaged"] and s["frames_analyzed"] > first["frames_analyzed"] + 20, "goes on")
    last = wait(service, key, "torn", lambda s: s["damaged"] > again["damaged"] and s["frames_analyzed"] > again["frames_analyzed"] + 20, "and on")
    assert last["reconnects"] == 0 and last["state"] == "live", last
    assert metric(service, key, "sci_damaged_total", "torn") >= last["damaged"]


def rubbish_fails_and_returns(service, key, camera):
    live = wait(service, key, "rubbish", lambda s: s["state"] == "live" and s["frames_analyzed"] > 3, "live")
    assert live["damaged"] == 0, live
    camera.spoil = True
    failed = wait(service, key, "rubbish", lambda s: s["state"] == "failed" and s["damaged"] > 0, "failed")
    assert failed["cause"] == "format", failed
    assert failed["people"]["valid"] is False or failed["picture_age_s"] > 1, failed
    camera.spoil = False
    back = wait(service, key, "rubbish", lambda s: s["state"] == "live" and s["frames_analyzed"] > failed["frames_analyzed"], "live again")
    assert back["damaged"] >= failed["damaged"], (failed, back)


def file_ends(service, key):
    ended = wait(service, key, "file", lambda s: s["damaged"] > 0 and s["reconnects"] > 0, "played, and said to be damaged")
    assert ended["frames_decoded"] > 60, ended


def run(folder):
    clip = damaged_clip(folder)
    ffmpeg("-i", str(CLIP), "-frames:v", "1", str(folder / "still.jpg"))
    with Farm([clip], 1) as torn, HttpCamera(folder) as camera:
        sections = f"""streams:
  - {{stream_id: torn, uri: {torn.uri()}, target_fps: 5}}
  - {{stream_id: rubbish, uri: {camera.uri("mjpeg/still.jpg")}, target_fps: 5}}
  - {{stream_id: file, uri: {clip}, target_fps: 5}}
"""
        with Service(sections, folder=folder) as service:
            key = service.key("viewer")
            tap.run("a bit stream with damage: counted, and the camera stays", torn_stays, service, key)
            tap.run("rubbish instead of pictures: failed, and live again", rubbish_fails_and_returns, service, key, camera)
            tap.run("a damaged file is played to its end", file_ends, service, key)
            tap.check(service.stop() == 0, "the service ends well")


why = assets_missing() or farms.missing()
if why:
    tap.skip("damage", why)
else:
    with tempfile.TemporaryDirectory(prefix="sci-test-") as temporary:
        tap.run("damage", run, pathlib.Path(temporary))
sys.exit(tap.end())
