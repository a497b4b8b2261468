#!/usr/bin/env python3
"""What a running service holds: resident memory flat after warm-up, descriptors and threads constant, nothing left of a removed camera. TAP."""
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from sci_service import CLIP, Service, Tap, assets_missing, demo_sections  # noqa: E402

WARM_UP_S, WATCH_S, CAMERAS = 15, 30, 20
# The store's page caches and the allocator's arenas are still filling in the first minutes (the benchmark measures those after the
# fifth); one picture kept a second would be 40000, one kept of each that is analysed more than 500000.
SLOPE_MOST_KB_PER_MIN = 20000
tap = Tap()


def descriptors(service):
    return len(os.listdir(f"/proc/{service.process.pid}/fd"))


def threads(service):
    return len(os.listdir(f"/proc/{service.process.pid}/task"))


def slope(samples):
    """Least squares, kB per minute."""
    n = len(samples)
    mean_t, mean_v = sum(t for t, _ in samples) / n, sum(v for _, v in samples) / n
    return 60 * sum((t - mean_t) * (v - mean_v) for t, v in samples) / sum((t - mean_t) ** 2 for t, _ in samples)


def steady(service, key):
    """As many pictures as the machine can analyse, a WebSocket client that reads, and requests: memory over time."""
    socket = service.websocket(key)
    socket.send({"type": "subscribe", "streams": ["square", "fast"], "pictures": True})
    samples, held, messages = [], [], 0
    began = time.monotonic()
    while (now := time.monotonic() - began) < WARM_UP_S + WATCH_S:
        socket.receive()
        messages += 1
        if now > WARM_UP_S and (not samples or now - samples[-1][0] > 0.5):
            service.call("GET", "/streams", key)
            service.call("GET", "/analytics/square?step=1s", key)
            service.request("GET", "/streams/square/picture.jpg", key)
            samples.append((now, service.resident_kb()))
            held.append((descriptors(service), threads(service)))
    socket.close()
    rise = slope(samples)
    print(f"# {messages} messages; {samples[0][1]} kB, then {samples[-1][1]} kB: {rise:.0f} kB/min; descriptors and threads {min(held)} to {max(held)}")
    tap.check(messages > 100, "the service is at work", messages)
    tap.check(rise < SLOPE_MOST_KB_PER_MIN, "memory is flat after warm-up", f"{rise:.0f} kB/min: {samples}")
    # A request under way and a file that is opened anew at its end hold some for a moment.
    first, last = (tuple(map(min, zip(*part))) for part in (held[:10], held[-10:]))
    tap.check(last[0] <= first[0] and last[1] <= first[1] and max(held)[0] <= first[0] + 16, "descriptors and threads are constant", held)


def add_and_remove(service, key):
    def one(number, uri=CLIP):
        stream_id = f"hot{number}"
        status, body = service.call("POST", "/streams", key, {"stream_id": stream_id, "uri": str(uri), "loop": True, "frame_rate": 7})
        assert status == 201, (status, body)
        service.wait_until(lambda: service.call("GET", f"/streams/{stream_id}", key)[1]["frames_analyzed"] > 0, "its first snapshot", 20)
        status, body = service.call("DELETE", f"/streams/{stream_id}", key)
        assert status == 204, (status, body)

    for number in range(3):  # what is made once and kept
        one(number)
    time.sleep(1)
    before, memory = (descriptors(service), threads(service)), service.resident_kb()
    for number in range(CAMERAS):
        one(number)
    until = time.monotonic() + 10
    while (descriptors(service) > before[0] or threads(service) > before[1]) and time.monotonic() < until:
        time.sleep(0.2)
    after, grown = (descriptors(service), threads(service)), service.resident_kb() - memory
    print(f"# before {before}, after {after}, {grown} kB more")
    tap.check(after[0] <= before[0] and after[1] <= before[1], f"{CAMERAS} cameras that came and went leave no descriptor and no thread", f"before {before}, after {after}")
    tap.check(grown < CAMERAS * 1500, f"and no pictures: {grown} kB more", grown)
    ids = [s["stream_id"] for s in service.call("GET", "/streams", key)[1]["items"]]
    tap.check(ids == ["fast", "square"], "only the configured ones are listed", ids)


def run():
    fast = f"  - {{stream_id: fast, uri: {CLIP}, loop: true, paced: false}}\n"
    with Service(sections=demo_sections().replace("\nalerts:\n", "\n" + fast + "\nalerts:\n", 1)) as service:
        admin = service.key("admin")
        service.wait_until(lambda: service.call("GET", "/streams/square", admin)[1]["frames_analyzed"] > 0, "the first snapshot", 20)
        steady(service, admin)
        add_and_remove(service, admin)
        tap.check(service.stop() == 0, "the service ends cleanly")


why = assets_missing()
if why:
    tap.skip("memory", why)
else:
    try:
        run()
    except Exception as error:
        tap.check(False, "memory", f"{type(error).__name__}: {error}")
sys.exit(tap.end())
