#!/usr/bin/env python3
"""A camera whose picture goes black, blurs, freezes and moves, through the real service. Prints TAP.

One RTSP address, several clips behind it, one after the other: what the service says of each, in snapshots, status, metrics,
events and alerts; which measures stay valid; and that an operator can accept a new view.
"""
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
import farm as farms  # noqa: E402
from cameras import Follower, metric, state  # noqa: E402
from farm import Farm  # noqa: E402
from sci_service import CLIP, Service, Tap, assets_missing, demo_sections, free_port  # noqa: E402

tap = Tap()
CUT = 24
CLEAN = f"crop=iw-{2 * CUT}:ih-{2 * CUT}"
CLIPS = {
    "clean": CLEAN,
    "black": f"{CLEAN},drawbox=t=fill:color=black",
    "blurred": f"{CLEAN},gblur=6",
    "moved": f"{CLEAN}:{CUT + 14}:{CUT - 8}",
    "covered": f"{CLEAN},drawbox=x=0:y=0:w=iw*0.55:h=ih:t=fill:color=0x707070",
    "frozen": f"{CLEAN},loop=loop=-1:size=1:start=0",
}
SECONDS = 20  # a clip turns round and round


def make_clip(folder, name):
    path = folder / f"{name}.mp4"
    subprocess.run(["ffmpeg", "-hide_banner", "-loglevel", "error", "-y", "-i", str(CLIP), "-vf", CLIPS[name] + ",fps=10", "-t", str(90 if name == "frozen" else SECONDS), "-an",
                    "-c:v", "libx264", "-preset", "ultrafast", "-crf", "20", "-bf", "0", "-g", "2000" if name == "frozen" else "20", "-pix_fmt", "yuv420p", str(path)],
                   check=True, stdin=subprocess.DEVNULL)
    return path


class Camera:
    """One address; `show` changes what is behind it."""

    def __init__(self, folder):
        self.clips = {name: make_clip(folder, name) for name in CLIPS}
        self.port = free_port()
        self.farm = None

    def show(self, name):
        self.stop()
        self.farm = Farm([self.clips[name]], 1, port=self.port).start()

    def stop(self):
        if self.farm:
            self.farm.stop()

    def uri(self):
        return f"rtsp://127.0.0.1:{self.port}/cam1"


def codes(stream):
    """What is wrong with the pictures; a busy machine may be slow besides."""
    return [flag["code"] for flag in stream["health"] if flag["code"] not in ("slow", "low_rate", "late")]


def wait_flags(service, key, wanted, seconds=120):
    def look():
        s = state(service, key, "square")
        return s if s["state"] == "live" and codes(s) == wanted else None
    return service.wait_until(look, f"flags {wanted}", seconds)


def newest(follower):
    return next((m["crowd_data"] for _, m in reversed(list(follower.messages)) if m["type"] == "stream_update"), None)


def wait_newest(service, follower, good, what):
    """The newest update for which `good` is true."""
    return service.wait_until(lambda: (lambda data: data if data and good(data) else None)(newest(follower)), what, 60)


def learns(service, key, follower):
    wait_flags(service, key, [])
    data = wait_newest(service, follower, lambda d: d["view_shift"]["valid"], "the view is known")
    assert data["view_shift"]["value"] < 0.2, data["view_shift"]
    assert data["view_lost"]["value"] == 0, data["view_lost"]
    assert codes(data) == [], data["health"]
    assert data["people"]["valid"] and data["density"]["mean"]["valid"], data
    s = state(service, key, "square")
    assert 0 < s["aimed_fps"] <= 8 and metric(service, key, "sci_target_fps", stream="square") > 0, s


def said_everywhere(service, key, follower, code):
    s = wait_flags(service, key, [code])
    assert s["health"][0]["text"] and s["health"][0]["since"], s["health"]
    assert metric(service, key, "sci_stream_health", stream="square", flag=code) == 1
    warnings = service.call("GET", "/status", key)[1]["warnings"]
    assert any(f"square ({code})" in w for w in warnings), warnings
    assert any(m["type"] == "stream_health" and codes(m) == [code] for _, m in list(follower.messages)), "no event"
    return wait_newest(service, follower, lambda d: codes(d) == [code], code)


def all_invalid(data, reason):
    for name in ("people", "speed_mean"):
        assert not data[name]["valid"] and data[name]["reason"] == reason and data[name]["value"] is None, (name, data[name])
    for place in data["zones"] + data["lines"]:
        for name, value in place.items():
            if isinstance(value, dict) and name != "view_lost":
                assert not value["valid"] and value["reason"] == reason, (place["id"], name, value)
    assert data["tracks"] == [] and data["degraded"] == reason, data["degraded"]


def black(service, key, follower):
    all_invalid(said_everywhere(service, key, follower, "black"), "the picture is black")


def blurred(service, key, follower):
    data = said_everywhere(service, key, follower, "blurred")
    all_invalid(data, "the picture is blurred")
    assert data["view_lost"]["value"] == 100, data["view_lost"]
    alert = service.wait_until(lambda: [m for m in follower.alerts("square") if m["rule_id"] == "view-blind" and m["event"] == "raised"], "view-blind")[0]
    assert "cannot be seen" in alert["message"] and alert["level"] == "HIGH", alert


def frozen(service, key, follower):
    data = said_everywhere(service, key, follower, "frozen")
    all_invalid(data, "the picture is frozen")
    assert data["picture_age"]["value"] > 5, data["picture_age"]


def covered(service, key, follower):
    data = said_everywhere(service, key, follower, "covered")
    zones = {zone["id"]: zone for zone in data["zones"]}
    assert data["people"]["reason"] == "the view is covered", data["people"]
    assert zones["drive"]["occupancy"]["valid"], zones["drive"]  # on the right: it is seen
    assert data["lines"][0]["flow_in"]["reason"] == "the view is covered", data["lines"]  # on the left
    assert 30 < data["view_lost"]["value"] < 70, data["view_lost"]
    assert zones["drive"]["view_lost"]["value"] == 0, zones["drive"]


def moved(service, key, follower):
    data = said_everywhere(service, key, follower, "moved")
    reason = "the camera has moved"
    assert data["people"]["valid"], data["people"]
    assert data["density"]["mean"]["reason"] == reason and data["density"]["grid"] is None, data["density"]
    assert data["speed_mean"]["reason"] == reason, data["speed_mean"]
    assert all(z["occupancy"]["reason"] == reason for z in data["zones"]), data["zones"]
    assert all(t["ground"] is None for t in data["tracks"]), data["tracks"]
    expected = 100 * (14 ** 2 + 8 ** 2) ** 0.5 / (768 - 2 * CUT)
    assert abs(data["view_shift"]["value"] - expected) < 0.25, (data["view_shift"], expected)
    alert = service.wait_until(lambda: [m for m in follower.alerts("square") if m["rule_id"] == "camera-moved" and m["event"] == "raised"], "camera-moved")[0]
    assert "the camera has moved" in alert["message"], alert


def accept(service, key, follower):
    assert service.call("POST", "/streams/square/view/accept", service.key("viewer"))[0] == 403
    assert service.call("POST", "/streams/nowhere/view/accept", key)[0] == 404
    status, answer = service.call("POST", "/streams/square/view/accept", key)
    assert status == 200 and answer["stream_id"] == "square", (status, answer)
    wait_flags(service, key, [])
    data = wait_newest(service, follower, lambda d: d["view_shift"]["valid"], "the new view is known")
    assert data["density"]["mean"]["valid"], data["density"]
    service.wait_until(lambda: [m for m in follower.alerts("square") if m["rule_id"] == "camera-moved" and m["event"] == "cleared"], "the alert is over")


def moved_meanwhile(service, key, camera):
    """It goes back to where it was before the view was accepted."""
    view = service.folder / "views" / "square.view"
    assert service.stop() == 0
    assert view.stat().st_size > 15000, "the view is not kept"
    camera.show("clean")
    service.start()
    wait_flags(service, key, ["moved"])


def main():
    why = assets_missing() or farms.missing()
    if why:
        tap.skip("health", why)
        return tap.end()
    with tempfile.TemporaryDirectory(prefix="sci-health-") as folder:
        camera = Camera(pathlib.Path(folder))
        sections = demo_sections().replace(str(CLIP), camera.uri()).replace("    frame_rate: 7", "    target_fps: 8\n    #")
        camera.show("clean")
        try:
            with Service(sections) as service:
                key = service.key("operator")
                follower = Follower(service, key)
                tap.run("a sound camera is learnt, and nothing is said", learns, service, key, follower)
                for name, check in (("black", black), ("blurred", blurred), ("frozen", frozen), ("covered", covered)):
                    camera.show(name)
                    tap.run(f"{name}: the flag, its event and metric; what is not valid", check, service, key, follower)
                    camera.show("clean")
                    tap.run(f"{name}: over", wait_flags, service, key, [])
                camera.show("moved")
                tap.run("moved: counts stay valid, what needs the ground does not; an alert", moved, service, key, follower)
                tap.run("an operator accepts the new view", accept, service, key, follower)
                tap.run("a camera that is moved while the service is down is noticed", moved_meanwhile, service, key, camera)
        finally:
            camera.stop()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
