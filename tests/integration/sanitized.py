#!/usr/bin/python3
"""The whole program once, for builds with a sanitizer: a clip analysed, and a service with clients watching. Prints TAP.

What a sanitizer finds ends the program with another exit code than 0 and is in what it printed.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from sci_service import BINARY, CLIP, ROOT, Service, Tap, assets_missing  # noqa: E402

FOUND = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error")
WATCH_S = 20
tap = Tap()


def analyze(folder):
    clip = folder / "small.avi"
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(CLIP), "-frames:v", "40", "-c", "copy", str(clip)], check=True, stdin=subprocess.DEVNULL)
    result = subprocess.run([BINARY, "analyze", str(clip), "-c", "config/demo.yaml", "--workers", "2", "--out", str(folder / "out.jsonl"),
                             "--video", str(folder / "out.mp4")], cwd=ROOT, capture_output=True, text=True, timeout=500)
    assert result.returncode == 0, f"exit {result.returncode}\n{result.stderr[-3000:]}"
    assert not FOUND.search(result.stderr), result.stderr[-3000:]
    assert len((folder / "out.jsonl").read_text().splitlines()) == 40


def serve():
    """A client on the WebSocket, the REST paths that read, a camera added and removed; then a clean end."""
    with Service() as service:
        admin = service.key("admin")
        client = service.websocket(admin, timeout=60)
        client.send({"type": "subscribe", "streams": "*", "pictures": True})
        client.receive_type("stream_update")
        extra = {"stream_id": "second", "uri": str(CLIP), "loop": True, "paced": True, "frame_rate": 7}
        assert service.call("POST", "/streams", admin, extra)[0] == 201
        until, seen = time.monotonic() + WATCH_S, set()
        while time.monotonic() < until:
            message = client.receive()
            if isinstance(message, dict) and message.get("type") == "stream_update":
                seen.add(message["stream_id"])
            for path in ("/streams", "/alerts", "/analytics/square", "/metrics", "/streams/square/picture.jpg"):
                assert service.request("GET", path, admin)[0] == 200, path
        assert service.call("DELETE", "/streams/second", admin)[0] == 204
        client.close()
        code, log = service.stop(), service.log.read_text(errors="replace")
    assert seen == {"square", "second"}, seen
    assert code == 0 and not FOUND.search(log), f"exit {code}\n{log[-3000:]}"


why = assets_missing()
if why:
    tap.skip("the whole program under a sanitizer", why)
else:
    work = pathlib.Path(tempfile.mkdtemp(prefix="sci-sanitized-"))
    tap.run("sci analyze", analyze, work)
    tap.run("sci serve", serve)
    shutil.rmtree(work, ignore_errors=True)
sys.exit(tap.end())
