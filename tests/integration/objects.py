#!/usr/bin/env python3
"""Cameras without pictures through the real service: detections on a pipe and in a file, recorded positions. Prints TAP."""
import datetime
import json
import os
import pathlib
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from sci_service import ROOT, Service, Tap, assets_missing  # noqa: E402

tap = Tap()
SHARED = pathlib.Path(os.environ.get("SCI_SHARED", ROOT.parent / "shared"))
CALIBRATION = {"size": "640x480", "homography": {"pairs": [[0, 480, 0, 0], [640, 480, 16, 0], [640, 0, 16, 12], [0, 0, 0, 12]]}}
ZONE = {"id": "floor", "polygon": [[2, 2], [14, 2], [14, 10], [2, 10]], "coordinates": "ground", "capacity": 50}


def stamp(ahead_s=0.0):
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=ahead_s)
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def boxes(step, count=4):
    """People of 20 x 60 pixels in a row who walk to the right."""
    return [{"x": 100 + 80 * i + 3 * step, "y": 200, "w": 20, "h": 60, "score": 0.9} for i in range(count)]


def line(step, count=4, ahead_s=0.0):
    return json.dumps({"time": stamp(ahead_s), "width": 640, "height": 480, "detections": boxes(step, count)}) + "\n"


class Writer:
    """Has the pipe open and writes ten lines a second."""

    def __init__(self, path):
        self.file = open(path, "w", buffering=1)  # waits for the service to open it
        self.step = 0

    def write_for(self, seconds, ahead_s=0.0):
        for _ in range(int(seconds * 10)):
            self.file.write(line(self.step, ahead_s=ahead_s))
            self.step = (self.step + 1) % 60
            time.sleep(0.1)

    def close(self):
        self.file.close()


def camera(service, key, name="pipe"):
    status, body = service.call("GET", f"/streams/{name}", key)
    return body if status == 200 else {}


def metric(service, key, name, stream):
    text = service.request("GET", "/metrics", key)[2].decode()
    return next((float(row.split()[-1]) for row in text.splitlines() if row.startswith(f'{name}{{stream="{stream}"}}')), None)


def write_until(service, writer, done, what, ahead_s=0.0, seconds=20):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        writer.write_for(0.5, ahead_s)
        value = done()
        if value:
            return value
    raise AssertionError(f"{what}: not within {seconds} s")


def pipe(service, admin):
    path = service.folder / "boxes.fifo"
    os.mkfifo(path)
    body = {"stream_id": "pipe", "uri": f"detections://{path}", "calibration": CALIBRATION, "zones": [ZONE]}
    status, answer = service.call("POST", "/streams", admin, {**body, "uri": "detections:///etc/passwd"})
    tap.check(status == 422 and "media.allowed_dirs" in str(answer), "a file outside the allowed folders: 422", answer)
    status, answer = service.call("POST", "/streams", admin, {**body, "uri": f"detections://{path}?size=1x1"})
    tap.check(status == 422 and "size: there is no such option" in str(answer), "an option that does not exist: 422 with its name", answer)
    status, answer = service.call("POST", "/streams", admin, body)
    tap.check(status == 201, "added over the API", answer)

    writer = Writer(path)
    seen = write_until(service, writer, lambda: (c := camera(service, admin)).get("people", {}).get("value") == 4 and c, "four people")
    tap.check(seen["state"] == "live" and seen["gives"] == "detections" and seen["width"] == 640, "live, without pictures", seen)
    tap.check(0 <= seen["latency_s"] < 3, "latency counts from the line's time stamp", seen["latency_s"])
    socket = service.websocket(admin)
    socket.send({"type": "subscribe", "streams": ["pipe"]})
    writer.write_for(2)
    update = socket.receive_type("stream_update")["crowd_data"]
    for _ in range(8):
        update = socket.receive_type("stream_update")["crowd_data"]
    socket.close()
    zone = update["zones"][0]
    tap.check(update["density"]["mean"]["valid"] and update["speed_mean"]["valid"] and zone["occupancy"]["value"] > 3.5,
              "tracked, put on the ground and measured: density, speed, occupancy", json.dumps(update)[:600])
    speed = update["speed_mean"]["value"]
    tap.check(0.5 < speed < 1.1, "speed from the time stamps: 30 pixels/s are 0.75 m/s", speed)
    status, _, text = service.request("GET", "/streams/pipe/picture.jpg", admin)
    tap.check(status == 409 and b"has no pictures" in text, "its picture: 409, there are none", (status, text))

    writer.file.write("nonsense\n" + json.dumps({"time": stamp(), "width": 640, "height": 480, "detections": [{"x": 1}]}) + "\n")
    seen = write_until(service, writer, lambda: (c := camera(service, admin)).get("refused") == 2 and c, "two lines refused")
    tap.check(seen["state"] == "live" and "detections[0]: y: missing" in seen["note"], "bad lines are refused, named and counted; the camera stays live", seen)
    tap.check(metric(service, admin, "sci_observations_refused_total", "pipe") == 2, "and in the metrics")
    seen = write_until(service, writer, lambda: (c := camera(service, admin)).get("state") == "stalled" and c, "stalled", ahead_s=-60)
    tap.check(seen["skipped"] > 5 and "s old: a backlog, or the writer's clock is behind" in seen["note"],
              "lines a minute old are not told as live: skipped, counted, said; the camera stalls", seen)

    writer.close()
    lost = service.wait_until(lambda: (c := camera(service, admin)).get("state") == "failed" and c, "failed", 10)
    tap.check("the writer has closed the pipe" in lost["reason"], "the writer goes: failed, with the reason", lost)
    writer = Writer(path)
    back = write_until(service, writer, lambda: (c := camera(service, admin)).get("state") == "live" and c, "live again")
    tap.check(back["refused"] == 2, "another comes: live again", back)
    writer.close()
    status, _ = service.call("DELETE", "/streams/pipe", admin)
    tap.check(status == 204 and service.call("GET", "/streams/pipe", admin)[0] == 404, "and removed")


def file(service, admin):
    path = service.folder / "boxes.jsonl"
    with open(path, "w") as out:
        for step in range(40):
            out.write(json.dumps({"time_s": step / 10, "width": 640, "height": 480, "detections": boxes(step, 3)}) + "\n")
    body = {"stream_id": "file", "uri": f"detections://{path}", "calibration": CALIBRATION}
    status, answer = service.call("POST", "/streams", admin, body)
    tap.check(status == 201, "a file of detections is added", answer)
    service.wait_until(lambda: camera(service, admin, "file").get("people", {}).get("value") == 3, "three people", 20)
    ended = service.wait_until(lambda: (c := camera(service, admin, "file")).get("state") == "ended" and c, "the file's end", 30)
    tap.check(ended["frames_decoded"] == 40, "played once, at the speed of life, to its end", ended)


def positions(service, admin):
    path = service.folder / "walk.txt"
    with open(path, "w") as out:
        out.write("# framerate: 10\n# id frame x/m y/m\n")
        for frame in range(100):
            for person in range(1, 6):
                out.write(f"{person} {frame} {0.1 * frame:.2f} {person}\n")
    zone = {"id": "hall", "polygon": [[0, 0], [12, 0], [12, 6], [0, 6]], "coordinates": "ground"}
    gate = {"id": "gate", "points": [[4, 0], [4, 6]], "coordinates": "ground"}
    body = {"stream_id": "walk", "uri": f"trajectories://{path}", "loop": True, "zones": [zone], "lines": [gate]}
    status, answer = service.call("POST", "/streams", admin, {**body, "zones": [{**zone, "coordinates": "image", "polygon": [[0, 0], [1, 0], [1, 1]]}]})
    tap.check(status == 422 and "positions have no picture" in str(answer), "zones in a picture that is not there: 422", answer)
    status, answer = service.call("POST", "/streams", admin, body)
    tap.check(status == 201, "recorded trajectories are added", answer)
    socket = service.websocket(admin)
    socket.send({"type": "subscribe", "streams": ["walk"]})
    until, update, crossed = time.monotonic() + 30, None, 0
    while time.monotonic() < until and crossed < 5:
        update = socket.receive_type("stream_update")["crowd_data"]
        crossed = abs(update["lines"][0]["count_in"] - update["lines"][0]["count_out"])
    socket.close()
    tap.check(update["people"]["value"] == 5 and crossed == 5, "five people, all of them over the line", json.dumps(update)[:500])
    speed, mean, zone = update["speed_mean"], update["density"]["mean"], update["zones"][0]
    tap.check(speed["valid"] and abs(speed["value"] - 1) < 0.05, "they walk at 1 m/s", speed)
    tap.check(mean["valid"] and abs(zone["occupancy"]["value"] - 5) < 0.5, "five on 72 square metres", (mean, zone))
    tap.check({t["track_id"] for t in update["tracks"]} == {1, 2, 3, 4, 5}, "with the identities of the file", update["tracks"])
    seen = camera(service, admin, "walk")
    tap.check(seen["gives"] == "positions" and seen["state"] == "live", "live, positions", seen)


def recording(service, admin):
    """A laboratory's recording of a crowd that goes through a narrow exit."""
    path = SHARED / "data/trajectories/hermes/Corridor-1D/uo-180-180-070.txt"
    if not path.exists():
        return tap.skip("a recording of a crowd", "SCI_SHARED has none")
    shutil.copy(path, service.folder / "crowd.txt")
    path = service.folder / "crowd.txt"
    zone = {"id": "corridor", "polygon": [[0, -4], [2.2, -4], [2.2, 7.5], [0, 7.5]], "coordinates": "ground"}
    body = {"stream_id": "crowd", "uri": f"trajectories://{path}?unit=cm", "frame_rate": 16, "loop": True, "zones": [zone]}
    status, answer = service.call("POST", "/streams", admin, body)
    tap.check(status == 201, "a recording of a crowd is added", answer)
    seen = service.wait_until(lambda: (c := camera(service, admin, "crowd")).get("people", {}).get("valid") and c["people"]["value"] >= 3 and c, "people", 40)
    tap.check(seen["state"] == "live", f"and played: {seen['people']['value']:g} people", seen)


def main():
    if missing := assets_missing():
        tap.skip("cameras without pictures", missing)
        return tap.end()
    with Service("streams: []\n") as service:
        admin = service.key("admin")
        tap.run("detections on a pipe", pipe, service, admin)
        tap.run("detections in a file", file, service, admin)
        tap.run("recorded trajectories", positions, service, admin)
        tap.run("a recording of a laboratory", recording, service, admin)
        tap.check(service.stop() == 0, "a clean end")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
