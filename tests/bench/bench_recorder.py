#!/usr/bin/env python3
"""What recording costs: CPU and memory of sci with 0, 4 and 8 cameras (720p25 H.264, 2 Mbit/s), recorded and not. Nothing is analysed beyond one picture
a second and camera, so that the difference is the recorder's.

    bench_recorder.py [SECONDS]        30 by default
"""
import os
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
import farm  # noqa: E402
from sci_service import Service  # noqa: E402


def measure(cameras, count, record, seconds):
    streams = "".join(f"  - {{stream_id: cam{i + 1}, uri: '{cameras.uri(i + 1)}', target_fps: 1}}\n" for i in range(count))
    sections = f"\nstreams:\n{streams}\n" if count else "\nstreams: []\n"
    with Service(sections=sections, recorder=f", enabled: {'true' if record else 'false'}") as service:
        key = service.key("admin")
        service.wait_until(lambda: service.call("GET", "/status", key)[1]["streams"]["live"] == count, "live", 60)
        time.sleep(5)
        began, cpu = time.monotonic(), service.cpu_seconds()
        time.sleep(seconds)
        share = (service.cpu_seconds() - cpu) / (time.monotonic() - began)
        state = service.call("GET", "/status", key)[1]["recorder"]
        return 100 * share, service.resident_kb() / 1024, state


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 30
    why = farm.missing()
    if why:
        print(why)
        return 1
    print(f"load average {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="sci-clips-") as folder:
        clip = farm.wide_clip(folder)
        with farm.Farm([clip], 8) as cameras:
            for count in (1, 8):
                off, on = (measure(cameras, count, record, seconds) for record in (False, True))
                print(f"cameras={count} cpu_off={off[0]:.1f}% cpu_on={on[0]:.1f}% resident_off={off[1]:.1f}MB resident_on={on[1]:.1f}MB "
                      f"per_camera: cpu={(on[0] - off[0]) / count:.2f}% memory={(on[1] - off[1]) / count:.2f}MB dropped={on[2]['dropped_packets']}", flush=True)
    return 0


sys.exit(main())
