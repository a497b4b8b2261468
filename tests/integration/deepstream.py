#!/usr/bin/env python3
"""Objects of an NVIDIA DeepStream application through a real Redis and the real service. Prints TAP.

The application is played by this test, in the two documented schemas; tests/data/deepstream has samples of them.
"""
import json
import pathlib
import shutil
import signal
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from redis_server import Redis  # noqa: E402
from sci_service import Service, Tap, assets_missing, free_port  # noqa: E402
from objects import CALIBRATION, ZONE, camera, metric, stamp  # noqa: E402

tap = Tap()


def corners(step, count):
    return [(100 + 80 * i + 3 * step, 200, 120 + 80 * i + 3 * step, 260) for i in range(count)]


def minimal(sensor, step, count, ahead_s=0.0):
    people = [f"{i + 1}|{l}|{t}|{r}|{b}|Person|#|female|34|black|none|coat|0.9" for i, (l, t, r, b) in enumerate(corners(step, count))]
    return [{"version": "4.0", "id": str(step), "@timestamp": stamp(ahead_s), "sensorId": sensor, "objects": people + ["99|1|1|50|50|bag"]}]


def full(sensor, step, count, ahead_s=0.0):
    at = stamp(ahead_s)
    names = ("topleftx", "toplefty", "bottomrightx", "bottomrighty")
    return [{"messageid": str(step), "mdsversion": "1.0", "@timestamp": at, "place": {"id": "1"}, "sensor": {"id": sensor, "type": "Camera"},
             "analyticsModule": {"id": "m"}, "object": {"id": str(i + 1), "speed": 0.0, "person": {"confidence": 0.9, "age": 34},
             "bbox": dict(zip(names, box)), "location": {}, "coordinate": {}}, "event": {"type": ""}, "videoPath": ""}
            for i, box in enumerate(corners(step, count))]


class Application(threading.Thread):
    """Adds ten frames a second of several sensors to one stream."""

    def __init__(self, port, key, sensors, password=None, keep=1000):
        super().__init__(daemon=True)
        self.port, self.key, self.sensors, self.password, self.keep = port, key, sensors, password, keep
        self.ahead_s, self.muted, self.running = 0.0, False, True
        self.start()

    def run(self):
        redis, step = Redis(self.port, self.password), 0
        while self.running:
            try:
                if redis.socket is None:
                    import socket
                    redis.socket = socket.create_connection(("127.0.0.1", self.port), 2)
                    redis.file = redis.socket.makefile("rb")
                    if self.password:
                        redis("AUTH", self.password)
                for sensor, (schema, count) in self.sensors.items():
                    for message in [] if self.muted else schema(sensor, step, count, self.ahead_s):
                        redis("XADD", self.key, "MAXLEN", self.keep, "*", "metadata", json.dumps(message, indent=2))
                step = (step + 1) % 60
            except OSError:
                redis.socket = None
            time.sleep(0.1)
        shutil.rmtree(redis.folder, ignore_errors=True)


def wait(service, key, name, done, what, seconds=30):
    last = {}

    def look():
        last.clear()
        last.update(camera(service, key, name))
        return last and done(last) and dict(last)

    try:
        return service.wait_until(look, what, seconds)
    except AssertionError as error:
        raise AssertionError(f"{error}; last: {json.dumps(last)[:700]}") from None


def people(count):
    return lambda c: c["state"] == "live" and c["people"].get("value") == count


def add(service, admin, name, uri, **more):
    status, answer = service.call("POST", "/streams", admin, {"stream_id": name, "uri": uri, "calibration": CALIBRATION, "zones": [ZONE], **more})
    assert status == 201, (status, answer)


def both_schemas(service, admin, redis, application):
    base = f"deepstream://127.0.0.1:{redis.port}/objects?size=640x480"
    add(service, admin, "north", base + "&sensor=north")
    add(service, admin, "south", base + "&sensor=south")
    north = wait(service, admin, "north", people(4), "four people of the minimal schema")
    south = wait(service, admin, "south", people(3), "three people of the full schema")
    tap.check(north["gives"] == "detections" and north["refused"] == south["refused"] == 0, "two sensors of one stream, two schemas, nothing refused", (north, south))
    tap.check(0 <= north["latency_s"] < 3 and 0 <= south["latency_s"] < 3, "latency counts from @timestamp", (north["latency_s"], south["latency_s"]))
    socket = service.websocket(admin)
    socket.send({"type": "subscribe", "streams": ["south"]})
    counts = [socket.receive_type("stream_update")["crowd_data"]["people"]["value"] for _ in range(20)]
    socket.close()
    tap.check(set(counts) == {3}, "messages of one frame stay together: three people in each of twenty updates", counts)
    redis("XADD", "objects", "*", "metadata", "nonsense about north")
    redis("XADD", "objects", "*", "metadata", json.dumps({**minimal("north", 0, 1)[0], "objects": ["1|2|x|4|5|person"]}))
    redis("XADD", "objects", "*", "else", "north")
    refused = wait(service, admin, "north", lambda c: c["refused"] >= 3, "three messages refused")
    tap.check(refused["state"] == "live", "what does not fit is refused and counted, the camera stays live", refused)
    tap.check(metric(service, admin, "sci_observations_refused_total", "north") >= 3, "and in the metrics")


def outages(service, admin, redis, application):
    redis.kill()
    lost = wait(service, admin, "north", lambda c: c["state"] == "failed", "failed", 15)
    tap.check(lost["cause"] == "network" and "Redis" in lost["reason"], "Redis is killed: failed, with the reason", lost)
    redis.start()
    tap.check(bool(wait(service, admin, "north", people(4), "live again", 20)), "and comes back: live again")
    redis.process.send_signal(signal.SIGSTOP)
    frozen = wait(service, admin, "north", lambda c: c["state"] in ("stalled", "failed"), "noticed", 15)
    redis.process.send_signal(signal.SIGCONT)
    tap.check(bool(frozen), f"Redis is frozen: {frozen['state']}, {frozen['reason']}")
    tap.check(bool(wait(service, admin, "north", people(4), "live again", 20)), "and goes on: live again")
    application.muted = True
    stalled = wait(service, admin, "north", lambda c: c["state"] == "stalled", "stalled", 15)
    tap.check("no detections for" in stalled["reason"], "an application that says nothing: stalled, not empty", stalled)
    application.muted = False
    wait(service, admin, "north", people(4), "live again", 20)


def backlog(service, admin, redis, application):
    """The service sleeps while frames come, and the stream is trimmed meanwhile."""
    application.keep = 40
    before = camera(service, admin, "north")
    service.process.send_signal(signal.SIGSTOP)
    time.sleep(6)
    service.process.send_signal(signal.SIGCONT)
    after = wait(service, admin, "north", lambda c: c["skipped"] > before["skipped"] and people(4)(c), "the backlog skipped", 20)
    said = ("waited in Redis for", "the stream was trimmed while nobody read it")
    tap.check(any(text in (after["note"] or "") for text in said), "frames of an outage are skipped, those that were trimmed away said", after)
    tap.check(after["latency_s"] < 3, "and what is live is new", after["latency_s"])
    application.keep = 1000


def clock_off(service, admin, redis, application):
    application.ahead_s = -3600
    said = wait(service, admin, "north", lambda c: c["note"] and "that clock is off" in c["note"] and people(4)(c), "a clock that is off", 20)
    tap.check("behind Redis" in said["note"] and said["latency_s"] < 3, "an application's clock an hour behind is said; the arrival counts", said)
    application.ahead_s = 0.0


def empty(service, admin, redis, application):
    redis_uri = f"deepstream://127.0.0.1:{redis.port}/objects?size=640x480&sensor=south&empty_for=60s"
    add(service, admin, "calm", redis_uri)
    wait(service, admin, "calm", people(3), "three people")
    application.muted = True
    calm = wait(service, admin, "calm", people(0), "nobody", 15)
    time.sleep(4)
    calm = camera(service, admin, "calm")
    tap.check(people(0)(calm), "empty_for: silence is an empty place for so long", calm)
    application.muted = False
    wait(service, admin, "calm", people(3), "three people again", 20)
    tap.check(service.call("DELETE", "/streams/calm", admin)[0] == 204, "and removed while it runs")


def passwords(service, admin):
    with Redis(free_port(), "s3cret-Redis") as redis:
        application = Application(redis.port, "objects", {"west": (minimal, 2)}, "s3cret-Redis")
        where = f"127.0.0.1:{redis.port}/objects?size=640x480"
        add(service, admin, "locked", f"deepstream://:wr0ng-Redis@{where}")
        locked = wait(service, admin, "locked", lambda c: c["state"] == "failed", "refused")
        tap.check(locked["cause"] == "authentication", "a wrong password is told from a lost network", locked)
        tap.check(service.call("DELETE", "/streams/locked", admin)[0] == 204, "removed")
        add(service, admin, "open", f"deepstream://:s3cret-Redis@{where}")
        opened = wait(service, admin, "open", people(2), "two people")
        tap.check("s3cret" not in json.dumps(opened), "the right one: live, and it is not shown", opened)
        application.running = False
    log = service.log.read_text(errors="replace")
    tap.check("s3cret-Redis" not in log and "wr0ng-Redis" not in log, "no password in the log")


def main():
    missing = assets_missing() or (None if shutil.which("redis-server") else "redis-server is not installed")
    if missing:
        tap.skip("objects of DeepStream", missing)
        return tap.end()
    with Redis(free_port()) as redis, Service("streams: []\n") as service:
        admin = service.key("admin")
        application = Application(redis.port, "objects", {"north": (minimal, 4), "south": (full, 3), "east": (minimal, 7)})
        for name, function in (("both schemas", both_schemas), ("outages", outages), ("a backlog", backlog), ("a clock that is off", clock_off),
                               ("silence", empty)):
            tap.run(name, function, service, admin, redis, application)
        application.running = False
        tap.run("passwords", passwords, service, admin)
        tap.check(service.stop() == 0, "a clean end")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
