#!/usr/bin/env python3
"""Standard error is a pipe that nobody reads, full before the service starts: cameras and API go on, what is lost is counted, and said when
somebody reads again. A last reader gets all; a stop waits for none. Prints TAP; asserts no times."""
import concurrent.futures
import fcntl
import os
import pathlib
import signal
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from sci_service import CLIP, Service, Tap, assets_missing  # noqa: E402

tap = Tap()
STREAMS = f"streams:\n  - {{stream_id: hall, uri: {CLIP}, loop: true, frame_rate: 7}}\n"
ROUNDS, AT_ONCE = 200, 8  # cameras that fail until lines are lost


class FullPipe:
    """A pipe without room. `read` begins to read it, and everything that was written lands in `text`."""

    def __init__(self):
        self.reader, self.writer = os.pipe()
        fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(self.writer, False)
        self.filled = 0
        try:
            while True:
                self.filled += os.write(self.writer, b"\n")
        except BlockingIOError:
            pass
        os.set_blocking(self.writer, True)
        self.text = b""

    def read(self):
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        while data := os.read(self.reader, 65536):
            self.text += data

    def hand_over(self):
        """The service alone has the writing end."""
        os.close(self.writer)

    def lines(self):
        return self.text.decode(errors="replace").splitlines()[self.filled:]


def lost(service, key):
    lines = service.request("GET", "/metrics", key)[2].decode().splitlines()
    return int(next(li for li in lines if li.startswith("sci_log_lines_lost_total ")).split()[1])


def analysed(service, key):
    lines = service.request("GET", "/metrics", key)[2].decode().splitlines()
    return float(next(li for li in lines if li.startswith('sci_frames_analyzed_total{stream="hall"} ')).split()[1])


def add_and_remove(service, key, name, uri):
    status, body = service.call("POST", "/streams", key, {"stream_id": name, "uri": uri})
    assert status == 201, (status, body)
    service.wait_until(lambda: service.call("GET", f"/streams/{name}", key)[1]["state"] == "failed", "the camera fails", 20)
    assert service.call("DELETE", f"/streams/{name}", key)[0] == 204


def goes_on(service, key):
    """Every request is answered and the camera is analysed while lines are lost."""
    uri = f"{service.folder}/" + "/".join(["far" * 60] * 5) + "/no.avi"
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in range(ROUNDS):
            list(pool.map(lambda number: add_and_remove(service, key, f"gone{number}", uri), range(AT_ONCE)))
            if lost(service, key) > 20:
                break
    assert lost(service, key) > 20
    before = analysed(service, key)
    service.wait_until(lambda: analysed(service, key) > before, "the camera goes on", 20)
    assert service.call("GET", "/streams/hall", key)[1]["state"] == "live"
    assert service.call("GET", "/health")[0] == 200


def said(pipe):
    return [int(li.split(" lines are missing here")[0].rsplit(" ", 1)[1]) for li in pipe.lines() if " lines are missing here" in li]


def read_again(service, key, pipe):
    pipe.read()
    service.wait_until(lambda: sum(said(pipe)) == lost(service, key), "the missing lines are said", 20)
    assert any("listening on" in li for li in pipe.lines()), pipe.lines()[:5]
    before = len(pipe.lines())
    add_and_remove(service, key, "gone", f"{service.folder}/no.avi")
    service.wait_until(lambda: len(pipe.lines()) > before, "new lines come", 20)


def ends_with_a_reader(service, pipe):
    assert service.stop() == 0
    pipe.thread.join(10)
    assert f"signal {int(signal.SIGTERM)}: stopping" in pipe.lines()[-1], pipe.lines()[-3:]


def ends_without_reader(service, pipe):
    service.start(log=pipe.writer)
    assert service.stop() == 0


def run():
    pipe = FullPipe()
    with Service(STREAMS) as service:
        key = service.key("admin")
        assert service.stop() == 0
        service.start(log=pipe.writer)
        pipe.hand_over()
        service.wait_until(lambda: service.call("GET", "/streams/hall", key)[1]["state"] == "live", "a live camera", 30)
        tap.run("nobody reads the log: cameras and API go on, lost lines are counted", goes_on, service, key)
        tap.run("read again: what is missing is said, and new lines come", read_again, service, key, pipe)
        tap.run("the last line comes before the end", ends_with_a_reader, service, pipe)
        tap.run("the service ends though nobody reads its log", ends_without_reader, service, FullPipe())


why = assets_missing()
if why:
    tap.skip("log", why)
else:
    try:
        run()
    except Exception as error:
        tap.check(False, "log", f"{type(error).__name__}: {error}")
sys.exit(tap.end())
