#!/usr/bin/env python3
"""More pictures than can be analysed, through the real service: what gives way, in which order, that everybody is told, that no camera
and no alert is forgotten, and that it recovers. Prints TAP; asserts no times."""
import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from sci_service import CLIP, Closed, Service, Tap, assets_missing  # noqa: E402

tap = Tap()
# Far more than one worker can do, with a floor so high that the rate alone cannot make up for it.
CAMERAS = 8


class Follower(threading.Thread):
    def __init__(self, service, key):
        super().__init__(daemon=True)
        self.socket = service.websocket(key, timeout=600)
        self.socket.send({"type": "subscribe", "streams": "*", "alerts_after": 0})
        self.updates, self.alerts = {}, []
        self.start()

    def run(self):
        try:
            while True:
                m = self.socket.receive()
                if isinstance(m, dict) and m["type"] == "stream_update":
                    self.updates[m["stream_id"]] = (self.updates.get(m["stream_id"], (0,))[0] + 1, m["crowd_data"]["degraded"])
                elif isinstance(m, dict) and m["type"] == "alert":
                    self.alerts.append(m["alert_id"])
        except (Closed, OSError):
            pass


def pixels(size):
    width, height = map(int, size.split("x"))
    return width * height


def metric(service, key, name, stream):
    line = next(li for li in service.request("GET", "/metrics", key)[2].decode().splitlines() if li.startswith(f'{name}{{stream="{stream}"}} '))
    return float(line.rsplit(" ", 1)[1])


def level(service, key):
    return service.call("GET", "/status", key)[1]["degradation"]


def overloaded(service, key, follower, names):
    service.wait_until(lambda: level(service, key) != "none", "overload is noticed", 60)
    service.wait_until(lambda: level(service, key) == "resolution", "the resolution gives way", 60)
    status = service.call("GET", "/status", key)[1]
    assert status["load"]["share"] < 1 and status["load"]["rung"] >= 1, status["load"]
    assert any("too much to do" in w for w in status["warnings"]), status["warnings"]
    full = pixels("512x384")
    service.wait_until(lambda: pixels(service.call("GET", f"/streams/{names[0]}", key)[1]["network_input"]) < full, "a smaller input", 60)
    one = service.call("GET", f"/streams/{names[0]}", key)[1]
    assert one["degradation"] == "resolution", one
    assert metric(service, key, "sci_degradation", names[0]) == 2 and metric(service, key, "sci_network_input_pixels", names[0]) < full
    service.wait_until(lambda: "smaller size" in (follower.updates[names[0]][1] or ""), "the snapshots say so", 30)


def nobody_forgotten(service, key, follower, names):
    before = {n: follower.updates[n][0] for n in names}
    service.wait_until(lambda: sum(follower.updates[n][0] - before[n] for n in names) > 12 * len(names), "pictures of all", 240)
    got = [follower.updates[n][0] - before[n] for n in names]
    assert max(got) <= 1.5 * min(got) + 3, got


def no_alert_lost(service, key, follower):
    sent = []
    for _ in range(20):
        status, body = service.call("POST", "/alerts/test", key)
        assert status in (200, 201), (status, body)
        sent.append(body["alert_id"])
    service.wait_until(lambda: set(sent) <= set(follower.alerts), "twenty alerts", 30)


def kept_size(service, key):
    """A size that was asked for is kept: there only the rate gives way."""
    one = service.call("GET", "/streams/fixed", key)[1]
    assert one["network_input"] == "416x320" and one["degradation"] != "resolution", (one["network_input"], one["degradation"])


def recovers(service, key, names):
    for name in names:
        assert service.call("DELETE", f"/streams/{name}", key)[0] == 204
    service.wait_until(lambda: level(service, key) == "none", "the overload is over", 150)
    service.wait_until(lambda: service.call("GET", "/streams/calm", key)[1]["network_input"] == "512x384", "full size again", 30)
    assert not any("too much to do" in w for w in service.call("GET", "/status", key)[1]["warnings"])


def quiet_and_busy(service, key):
    """A rate that follows the scene: the clip has people in nearly every picture, so it stays above the least."""
    one = service.call("GET", "/streams/calm", key)[1]
    assert 0.5 <= one["aimed_fps"] <= 2, one["aimed_fps"]


def run():
    calm = (f"streams:\n  - {{stream_id: calm, uri: {CLIP}, loop: true, frame_rate: 7, target_fps: 2, quiet_fps: 0.5}}\n"
            f"  - {{stream_id: fixed, uri: {CLIP}, loop: true, frame_rate: 7, target_fps: 2, detection: {{input_size: 416x320}}}}\n")
    with Service(calm) as service:
        key = service.key("admin")
        service.stop()
        service.config.write_text(service.config.read_text().replace("workers: 1", "workers: 1, min_fps: 100"))
        service.start()
        follower = Follower(service, key)
        names = [f"busy{i:02d}" for i in range(CAMERAS)]
        for name in names:
            status, body = service.call("POST", "/streams", key, {"stream_id": name, "uri": str(CLIP), "loop": True, "frame_rate": 25, "target_fps": 25})
            assert status == 201, (status, body)
        service.wait_until(lambda: all(n in follower.updates for n in names), "a first snapshot of every camera", 60)
        tap.run("overload: the resolution gives way, and everybody is told", overloaded, service, key, follower, names)
        tap.run("no camera is forgotten", nobody_forgotten, service, key, follower, names)
        tap.run("no alert is lost", no_alert_lost, service, key, follower)
        tap.run("an input size that was asked for is kept", kept_size, service, key)
        tap.run("the rate follows the scene between its bounds", quiet_and_busy, service, key)
        tap.run("it recovers when the load has gone", recovers, service, key, names)
        tap.check(service.stop() == 0, "the service ends cleanly")


why = assets_missing()
if why:
    tap.skip("overload", why)
else:
    try:
        run()
    except Exception as error:
        tap.check(False, "overload", f"{type(error).__name__}: {error}")
sys.exit(tap.end())
