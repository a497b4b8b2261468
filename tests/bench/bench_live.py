#!/usr/bin/env python3
"""Live cameras, measured through the real service: RTSP over TCP on this machine, one client that follows all streams
without pictures. Prints a table; asserts nothing.

    bench_live.py rates|appear|memory|faults|churn|soak [...]     (default: all but soak)

rates   8 cameras at 8 and at 12.5 frames/s, 16 at 8: analysed frames/s of each, capture to published, processor
appear  from the moment somebody is before the camera to the first stream_update that counts them
memory  resident memory with 1, 4, 8, 16 cameras
faults  FAULTS (200) kills and freezes of four cameras at random times
churn   CHURN (500) cameras added and removed while four others run
soak    half an hour (SOAK_SECONDS) of faults, cameras that come and go, and alerts: what tests/integration/soak.py does in minutes

SECONDS (20): how long each rate is measured. INPUT (auto): detection.input_size, one for all. RATES (8x8,8x12.5,16x8): cameras and
target rate of each row of `rates`. SETTLE (20): seconds before it, in which what gives way under overload may do so. SEED (1): of the
random times.
The cameras, the client and the program share the machine: run it on a quiet one; the load is printed with each figure.
"""
import datetime
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
import farm as farms  # noqa: E402
from farm import Farm, wide_clip  # noqa: E402
from sci_service import BINARY, ROOT, Closed, Service, assets_missing  # noqa: E402

SECONDS = float(os.environ.get("SECONDS", "20"))
INPUT = os.environ.get("INPUT", "auto")
SETTLE = float(os.environ.get("SETTLE", "20"))
RATES = [tuple(map(float, r.split("x"))) for r in os.environ.get("RATES", "8x8,8x12.5,16x8").split(",")]
SEED = int(os.environ.get("SEED", "1"))
CLIPS = pathlib.Path(os.environ.get("CLIPS", ROOT / "var/bench"))
# A plane that fits the wide clip roughly, so that density, zones and the rest of the measures are in what is measured.
GEOMETRY = """
    calibration: {size: 1280x720, homography: {pairs: [[200, 700, 0, 0], [1080, 700, 8, 0], [900, 250, 8, 20], [380, 250, 0, 20]]}}
    zones: [{id: middle, kind: moving, polygon: [[0.2, 0.4], [0.8, 0.4], [0.8, 0.95], [0.2, 0.95]]}]
    lines: [{id: across, points: [[0.1, 0.6], [0.9, 0.6]], width_m: 8}]"""


def row(name, value):
    print(f"{name:58s} {value}   [load {os.getloadavg()[0]:.1f}]", flush=True)


def seconds_of(stamp):
    return datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def stream(name, uri, fps, geometry=GEOMETRY):
    return f"  - stream_id: {name}\n    uri: {uri}\n    target_fps: {fps}{geometry}\n"


def service_for(streams, extra=""):
    return Service(f"detection: {{input_size: {INPUT}}}\nstreams:\n{''.join(streams)}" if streams else f"detection: {{input_size: {INPUT}}}\n",
                   extra, workers=2)


class Client(threading.Thread):
    """Follows all streams without pictures and remembers when what came."""

    def __init__(self, service):
        super().__init__(daemon=True)
        self.socket = service.websocket(service.key("viewer"))
        self.socket.send({"type": "subscribe", "streams": "*"})
        self.lock = threading.Condition()
        self.updates = []   # (stream, captured, published, received, people)
        self.states = []    # (stream, state, received)
        self.newest = {}    # stream: (captured, people)
        self.state = {}
        self.start()

    def run(self):
        try:
            while True:
                m = self.socket.receive()
                now = time.time()
                if not isinstance(m, dict):
                    continue
                with self.lock:
                    if m["type"] == "stream_update":
                        people = m["crowd_data"]["people"]["value"]
                        captured = seconds_of(m["timestamp"])
                        self.updates.append((m["stream_id"], captured, seconds_of(m["published"]), now, people))
                        self.newest[m["stream_id"]] = (captured, people)
                        self.state.setdefault(m["stream_id"], "live")
                    elif m["type"] == "stream_state":
                        self.states.append((m["stream_id"], m["state"], now))
                        self.state[m["stream_id"]] = m["state"]
                    self.lock.notify_all()
        except (Closed, OSError):
            pass

    def wait(self, condition, seconds, what):
        with self.lock:
            if not self.lock.wait_for(condition, seconds):
                raise AssertionError(f"{what}: not within {seconds} s")
        return time.time()

    def all_live(self, names, seconds=40):
        self.wait(lambda: all(n in self.newest for n in names), seconds, "a first snapshot of every camera")

    def clear(self):
        with self.lock:
            self.updates.clear()
            self.states.clear()


def descriptors(service):
    return len(os.listdir(f"/proc/{service.process.pid}/fd"))


# ---- rates ----

def page_faults(service):
    return int(pathlib.Path(f"/proc/{service.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[7])


def measure_rates(cameras, fps, label):
    with Farm([wide_clip(CLIPS, 0), wide_clip(CLIPS, 2)], cameras) as cams:
        names = [f"cam{i + 1:02d}" for i in range(cameras)]
        with service_for([stream(n, cams.uri(i + 1), fps) for i, n in enumerate(names)]) as service:
            client = Client(service)
            client.all_live(names)
            time.sleep(SETTLE)
            client.clear()
            began, cpu, farm_cpu, faults = time.monotonic(), service.cpu_seconds(), cams.cpu_seconds(), page_faults(service)
            time.sleep(SECONDS)
            took = time.monotonic() - began
            cores = (service.cpu_seconds() - cpu) / took
            faults = (page_faults(service) - faults) / took
            farm_cores = (cams.cpu_seconds() - farm_cpu) / took
            with client.lock:
                updates = list(client.updates)
            rates = [sum(u[0] == n for u in updates) / took for n in names]
            # Odd cameras have no B frames; what a decoder has to hold back of the others' pictures is not the program's delay.
            late = [1000 * (u[2] - u[1]) for u in updates if int(u[0][3:]) % 2]
            late_b = [1000 * (u[2] - u[1]) for u in updates if int(u[0][3:]) % 2 == 0]
            row(f"{cameras} cameras, target {fps}{label}: analysed frames/s",
                f"{min(rates):.2f} to {max(rates):.2f} (ratio {max(rates) / max(min(rates), 1e-9):.2f})")
            row("    capture to published p50 / p95 / p99",
                f"{statistics.median(late):.0f} / {percentile(late, .95):.0f} / {percentile(late, .99):.0f} ms; "
                f"cameras with two B frames {statistics.median(late_b):.0f} / {percentile(late_b, .95):.0f} ms")
            row("    processor: sci, cameras", f"{cores:.2f}, {farm_cores:.2f} cores; page faults of sci {faults:.0f} a second")
            status = service.call("GET", "/status", service.key("viewer"))[1]
            inputs = sorted({s["network_input"] for s in service.call("GET", "/streams", service.key("viewer"))[1]["items"]})
            row("    gives way; network input", f"{status['degradation']}; {', '.join(inputs)}")


def rates():
    for cameras, fps in RATES:
        measure_rates(int(cameras), fps, f", input {INPUT}")


# ---- from appearing to being counted ----

def appearing_clip():
    """Four seconds: two of the empty place, two with people; the first picture with people is a key frame."""
    path = CLIPS / "appear.mp4"
    if not path.exists():
        empty = farms.empty_picture(1280, 720)
        farms.encode_pictures([empty] * 50 + farms.pictures(1280, 720, first=450, count=50), 1280, 720, path)
    return path


def appear():
    with tempfile.TemporaryDirectory() as folder:
        marks = pathlib.Path(folder) / "marks"
        with Farm([appearing_clip()], 8, "--marks", str(marks)) as cams:
            names = [f"cam{i + 1:02d}" for i in range(8)]
            with service_for([stream(n, cams.uri(i + 1), 8) for i, n in enumerate(names)]) as service:
                client = Client(service)
                client.all_live(names)
                time.sleep(2 * SECONDS)
                with client.lock:
                    updates = list(client.updates)
        times = []
        for line in marks.read_text().splitlines():
            at, camera, frame = line.split()
            if frame != "50":
                continue
            at, name = float(at), f"cam{int(camera):02d}"
            before = [u for u in updates if u[0] == name and u[3] < at]
            after = [u for u in updates if u[0] == name and at <= u[3] < at + 2]
            if not before or not after or before[-1][4]:
                continue
            counted = next((u[3] for u in after if u[4]), None)
            times.append(1000 * (counted - at) if counted else float("inf"))
    row(f"somebody appears, to the update that counts them ({len(times)} times)",
        f"p50 {statistics.median(times):.0f}, p95 {percentile(times, .95):.0f} ms" if times else "no such moment")


# ---- memory ----

def memory():
    sizes = {}
    for cameras in (1, 4, 8, 16):
        with Farm([wide_clip(CLIPS, 0)], cameras) as cams:
            names = [f"cam{i + 1:02d}" for i in range(cameras)]
            with service_for([stream(n, cams.uri(i + 1), 5) for i, n in enumerate(names)]) as service:
                Client(service).all_live(names)
                samples = []
                for _ in range(10):
                    time.sleep(1)
                    samples.append(service.resident_kb() / 1024)
                sizes[cameras] = statistics.median(samples)
                row(f"resident memory, {cameras} cameras", f"{sizes[cameras]:.1f} MB")
    row("memory per extra camera (16 against 4)", f"{(sizes[16] - sizes[4]) / 12:.1f} MB")


# ---- faults ----

class Faults:
    """One farm per camera; each is killed or frozen, and comes back, at times of its own."""

    def __init__(self, cameras, total):
        self.total = total
        self.done = 0
        self.lock = threading.Lock()
        self.go = threading.Event()  # cleared: no new fault
        self.go.set()
        self.farms = [Farm([wide_clip(CLIPS, 0)], 1) for _ in range(cameras)]
        self.names = [f"cam{i + 1}" for i in range(cameras)]
        self.noticed = {"kill": [], "freeze": []}
        self.returned = {"kill": [], "freeze": []}
        self.problems = []

    def once(self, client, number, kind, rng):
        farm, name = self.farms[number], self.names[number]
        (farm.kill if kind == "kill" else farm.freeze)()
        began = time.time()
        noticed = client.wait(lambda: client.state.get(name) not in ("live", "connecting"), 15, f"{name} {kind}: notice")
        with self.lock:
            self.noticed[kind].append(noticed - began)
        time.sleep(rng.uniform(0, 6))
        if kind == "kill":
            farm.start()
        else:
            farm.thaw()
        back = time.time()
        client.wait(lambda: client.newest[name][0] > back, 30, f"{name} {kind}: live again")
        with self.lock:
            self.returned[kind].append(time.time() - back)

    def camera(self, service, client, number):
        rng = random.Random(SEED * 1000 + number)
        while True:
            with self.lock:
                if self.done >= self.total:
                    return
            time.sleep(rng.uniform(0.2, 3))
            self.go.wait()
            try:
                self.once(client, number, rng.choice(("kill", "freeze")), rng)
            except AssertionError as problem:
                self.problems.append(str(problem))
                self.farms[number].stop()
                self.farms[number].start()
                client.wait(lambda: client.state.get(self.names[number]) == "live", 60, "recovery")
            with self.lock:
                self.done += 1

    def run(self, service, client):
        threads = [threading.Thread(target=self.camera, args=(service, client, i)) for i in range(len(self.farms))]
        for thread in threads:
            thread.start()
        ten = None
        while any(t.is_alive() for t in threads):
            time.sleep(0.2)
            if ten is None and self.done >= 10:
                self.go.clear()
                ten = self.calm(service, client)
                self.go.set()
        return ten, self.calm(service, client)

    def calm(self, service, client):
        """What is held while all cameras are live."""
        time.sleep(20)  # what has begun is over
        client.wait(lambda: all(client.state.get(n) == "live" for n in self.names), 60, "all live")
        time.sleep(3)
        return resident(service)


def resident(service):
    """Least of some samples, so that a picture on its way does not count: (MB, descriptors)."""
    samples = []
    for _ in range(10):
        samples.append((service.resident_kb() / 1024, descriptors(service)))
        time.sleep(0.1)
    return min(s[0] for s in samples), min(s[1] for s in samples)


def faults():
    total = int(os.environ.get("FAULTS", "200"))
    run = Faults(4, total)
    try:
        for farm in run.farms:
            farm.start()
        with service_for([stream(n, f.uri(), 8) for n, f in zip(run.names, run.farms)]) as service:
            client = Client(service)
            client.all_live(run.names)
            ten, last = run.run(service, client)
            for kind in ("kill", "freeze"):
                row(f"{len(run.noticed[kind])} of kind {kind}: noticed, median / worst",
                    f"{statistics.median(run.noticed[kind]):.2f} / {max(run.noticed[kind]):.2f} s")
                row("    live again after its return, median / worst",
                    f"{statistics.median(run.returned[kind]):.2f} / {max(run.returned[kind]):.2f} s")
            row("problems", run.problems or "none")
            row(f"resident memory after 10 / {total}; descriptors", f"{ten[0]:.1f} / {last[0]:.1f} MB; {ten[1]} / {last[1]}")
    finally:
        for farm in run.farms:
            farm.stop()


# ---- adding and removing ----

def churn():
    total = int(os.environ.get("CHURN", "500"))
    rng = random.Random(SEED)
    with Farm([wide_clip(CLIPS, 0)], 8) as cams:
        names = [f"cam{i + 1}" for i in range(4)]
        with service_for([stream(n, cams.uri(i + 1), 8) for i, n in enumerate(names)]) as service:
            client, admin = Client(service), service.key("admin")
            client.all_live(names)
            present, ten, took = [], None, []
            for i in range(total):
                name = f"extra{i}"
                status, answer = service.call("POST", "/streams", admin, {"stream_id": name, "uri": cams.uri(rng.randint(5, 8)), "target_fps": 8})
                assert status == 201, (status, answer)
                present.append(name)
                time.sleep(rng.choice((0, 0.02, 0.1, 0.4)))
                if len(present) > rng.randint(0, 3):
                    gone = present.pop(rng.randrange(len(present)))
                    began = time.monotonic()
                    assert service.call("DELETE", f"/streams/{gone}", admin)[0] == 204
                    took.append(time.monotonic() - began)
                if i in (9, total - 1):  # the same four cameras both times
                    while present:
                        assert service.call("DELETE", f"/streams/{present.pop()}", admin)[0] == 204
                    time.sleep(3)
                    ten = ten or resident(service)
            last = resident(service)
            fresh = sum(time.time() - client.newest[n][0] < 1 for n in names)
            row(f"{total} added and removed: DELETE median / worst", f"{1000 * statistics.median(took):.0f} / {1000 * max(took):.0f} ms")
            row(f"resident memory after 10 / {total}; descriptors", f"{ten[0]:.1f} / {last[0]:.1f} MB; {ten[1]} / {last[1]}")
            row("the four others are live", f"{fresh} of 4")


# ---- soak ----

def soak():
    environment = {**os.environ, "SOAK_SECONDS": os.environ.get("SOAK_SECONDS", "1800"), "SOAK_MEMORY_MB": "2", "SOAK_WIDE": "1",
                   "SOAK_SETTLE": "60", "SCI_BINARY": BINARY}
    subprocess.run([sys.executable, str(ROOT / "tests/integration/soak.py")], env=environment, check=False)


def main():
    missing = assets_missing() or farms.missing()
    if missing:
        print(missing)
        return 1
    CLIPS.mkdir(parents=True, exist_ok=True)
    parts = {"rates": rates, "appear": appear, "memory": memory, "faults": faults, "churn": churn, "soak": soak}
    wanted = sys.argv[1:] or [p for p in parts if p != "soak"]
    for name in wanted:
        if name not in parts:
            print(__doc__)
            return 2
        parts[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
