#!/usr/bin/env python3
"""Bad input, each kind through the real program: what is said, with which code, and that another camera goes on. TAP."""
import json
import os
import pathlib
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from sci_service import BINARY, CLIP, MODEL, ROOT, Service, Tap, assets_missing, free_port  # noqa: E402

tap = Tap()
folder = pathlib.Path(tempfile.mkdtemp(prefix="sci-bad-"))
GOOD = f"  - {{stream_id: good, uri: {CLIP}, loop: true, frame_rate: 7}}\n"


def stream(service, key, stream_id):
    status, body = service.call("GET", f"/streams/{stream_id}", key)
    return body if status == 200 else {}


def goes_on(service, key, after):
    """The other camera's numbers rise over the WebSocket."""
    ws = service.websocket(key)
    ws.send({"type": "subscribe", "streams": ["good"]})
    seqs = []
    until = time.monotonic() + 15
    while len(seqs) < 3 and time.monotonic() < until:
        message = ws.receive()
        if isinstance(message, dict) and message.get("type") == "stream_update" and message["stream_id"] == "good":
            seqs.append(message["seq"])
    ws.close()
    tap.check(len(seqs) == 3 and seqs == sorted(set(seqs)), f"{after}: the other camera goes on", seqs)


def wait_for_state(service, key, stream_id, states, seconds=30):
    until = time.monotonic() + seconds
    seen = {}
    while time.monotonic() < until:
        seen = stream(service, key, stream_id)
        if seen.get("state") in states:
            return seen
        time.sleep(0.05)
    return seen


def bad_files():
    missing, empty, text, cut = (folder / f"{name}.avi" for name in ("missing", "empty", "text", "cut"))
    empty.write_bytes(b"")
    text.write_text("this is no video\n" * 200)
    whole = folder / "whole.avi"
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(CLIP), "-frames:v", "15", "-c", "copy", str(whole)], check=True, stdin=subprocess.DEVNULL)
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    return {"missing": (missing, "No such file"), "empty": (empty, "empty"), "text": (text, "not a video"), "cut": (cut, "cut.avi")}


def failed_with(service, key, stream_id, words, what):
    seen = wait_for_state(service, key, stream_id, ["failed"])
    ok = seen.get("state") == "failed" and all(word in (seen.get("reason") or "") for word in words) and seen.get("retry_in_s") is not None
    tap.check(ok, f"{what}: failed, says which and why, and when it tries again", json.dumps(seen)[:600])


def cameras(service, admin, files):
    for name, (path, why) in files.items():
        failed_with(service, admin, name, [path.name, why], f"{name} file in the configuration")
        goes_on(service, admin, f"{name} file in the configuration")
    for name, (path, why) in files.items():
        status, body = service.call("POST", "/streams", admin, {"stream_id": f"api-{name}", "uri": str(path)})
        tap.check(status == 201 and body["stream_id"] == f"api-{name}", f"{name} file over the API: 201, its state says the rest", (status, body))
        failed_with(service, admin, f"api-{name}", [path.name, why], f"{name} file over the API")
        goes_on(service, admin, f"{name} file over the API")
        service.call("DELETE", f"/streams/api-{name}", admin)
    for uri in ("gopher://host/x", "/etc/passwd"):
        status, problem = service.call("POST", "/streams", admin, {"stream_id": "refused", "uri": uri})
        tap.check(status == 422 and any(e["field"] == "uri" for e in problem["errors"]), f"{uri}: 422 naming the field", (status, problem))
    tap.check(stream(service, admin, "refused") == {}, "what was refused is not there")


def dead_rtsp(service, admin):
    """Nobody listens; then somebody does."""
    port = free_port()
    uri = f"rtsp://guard:hunter2@127.0.0.1:{port}/cam1"
    status, body = service.call("POST", "/streams", admin, {"stream_id": "rtsp", "uri": uri})
    tap.check(status == 201 and "hunter2" not in json.dumps(body), "a dead RTSP address: 201, the password is not shown", (status, body))
    failed_with(service, admin, "rtsp", ["127.0.0.1", "refused"], "a dead RTSP address")
    goes_on(service, admin, "a dead RTSP address")
    tap.check("hunter2" not in service.log.read_text() and "hunter2" not in json.dumps(stream(service, admin, "rtsp")), "its password is nowhere")
    farm = os.environ.get("SCI_RTSP_FARM") or str(pathlib.Path(BINARY).parent / "tests/tools/rtsp_farm")
    if not os.path.exists(farm):
        tap.skip("a dead RTSP address that comes to life", "gst-rtsp-server is not installed")
    else:
        clip = folder / "camera.mp4"
        subprocess.run(["ffmpeg", "-v", "error", "-i", str(CLIP), "-frames:v", "60", "-c:v", "libx264", "-g", "10", "-bf", "0", "-pix_fmt", "yuv420p", str(clip)],
                       check=True, stdin=subprocess.DEVNULL)
        process = subprocess.Popen([farm, "--file", str(clip), "--cams", "1", "--port", str(port), "--user", "guard", "--password", "hunter2"],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        process.stdout.readline()
        seen = wait_for_state(service, admin, "rtsp", ["live"])
        tap.check(seen.get("state") == "live", "a dead RTSP address that comes to life", seen)
        process.kill()
        process.wait()
        seen = wait_for_state(service, admin, "rtsp", ["failed"])
        tap.check(seen.get("state") == "failed" and "127.0.0.1" in (seen.get("reason") or ""), "and dies again", seen)
        goes_on(service, admin, "a camera that dies")
    service.call("DELETE", "/streams/rtsp", admin)


def serve_fails(name, text, *words):
    """A second service that cannot start: exit 1, one clear message."""
    config = folder / "second.yaml"
    config.write_text(text)
    result = subprocess.run([BINARY, "serve", "-c", str(config)], cwd=ROOT, capture_output=True, text=True, timeout=60)
    ok = result.returncode == 1 and "sci: " in result.stderr and all(word in result.stderr for word in words)
    return tap.check(ok, f"{name}: exit 1, says where and why", f"exit {result.returncode}\n{result.stderr}")


def second_service(service, admin):
    base = f"store: {{path: {folder}/second.db, spool_dir: {folder}/second-spool}}\nalerts: {{journal: {folder}/second.journal}}\n"
    server = f"server: {{port: {free_port()}, pictures_dir: {folder}/second-pictures}}\n"
    zones = "streams:\n  - stream_id: a\n    uri: x.avi\n    zones:\n      - {id: z, polygon: [[0,0],[1,0],[1,1]]}\n      - {id: z, polygon: [[0,0],[1,0],[1,1]]}\n"
    wrong = ROOT / "tests/data/models/one_channel.onnx"
    cases = {
        "an unknown key": ("servr: {port: 1}\n", "second.yaml:1:1:", "servr"),
        "a wrong type": ("server:\n  port: many\n", "second.yaml:2:9:", "server.port"),
        "a repeated zone": (zones, "second.yaml:6:", "z"),
        "a model of the wrong shape": (f"{server}{base}inference: {{model: {wrong}, family: nanodet}}\n", wrong.name, "1x1x32x32", "needed"),
        "a model that is missing": (f"{server}{base}inference: {{model: {folder}/none.onnx, family: nanodet}}\n", "none.onnx"),
        "a port in use": (f"server: {{port: {service.port}, pictures_dir: {folder}/second-pictures}}\n{base}inference: {{model: {MODEL}}}\n",
                          str(service.port), "in use"),
    }
    for name, (text, *words) in cases.items():
        serve_fails(name, text, *words)
        goes_on(service, admin, name)


def is_problem(answer, code, *words):
    status, headers, body = answer
    text = body.decode(errors="replace")
    return status == code and headers.get("Content-Type", "").startswith("application/problem+json") and json.loads(text)["status"] == code and all(w in text for w in words)


def big_body(service, admin):
    """10 MB, sent as a client would that does not look at the answer before it is done."""
    s = socket.create_connection(("127.0.0.1", service.port), 20)
    s.sendall(f"POST /streams HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {admin}\r\nContent-Type: application/json\r\nContent-Length: {10 << 20}\r\n\r\n".encode())
    try:
        for _ in range(160):
            s.sendall(b" " * 65536)
    except OSError:
        pass  # answered and closed before the end: allowed
    answer = b""
    try:
        while chunk := s.recv(65536):
            answer += chunk
            if b"\r\n\r\n" in answer and b"}" in answer:
                break
    except OSError:
        pass
    s.close()
    return answer


def requests(service, admin):
    answer = service.request("POST", "/streams", admin, b'{"stream_id": "x", "uri": ')
    tap.check(is_problem(answer, 400), "malformed JSON: 400, a problem document", answer)
    goes_on(service, admin, "malformed JSON")
    before = service.resident_kb()
    answer = big_body(service, admin)
    tap.check(answer.startswith(b"HTTP/1.1 413 ") and b"application/problem+json" in answer, "a body of 10 MB: 413, a problem document", answer[:500])
    tap.check(service.resident_kb() - before < 8192, "and it is not kept in memory", f"{before} kB, then {service.resident_kb()} kB")
    goes_on(service, admin, "a body of 10 MB")
    for method, path in (("GET", "/streams/nobody"), ("DELETE", "/streams/nobody"), ("GET", "/streams/nobody/picture.jpg"), ("GET", "/analytics/nobody")):
        answer = service.request(method, path, admin)
        tap.check(is_problem(answer, 404, "nobody"), f"an unknown stream, {method} {path}: 404 naming it", answer)
    goes_on(service, admin, "an unknown stream")


# ---- a full disk ----

def rows(service, key):
    status, body = service.call("GET", "/analytics/good?step=1s&measure=people&limit=1000", key)
    return {item["timestamp"]: item for item in body["items"]} if status == 200 else {}


def store_state(service, key):
    return service.call("GET", "/status", key)[1]


def fill_and_free(what, service, admin, fill, free):
    service.wait_until(lambda: len(rows(service, admin)) >= 3, "stored rows", 30)
    stored = rows(service, admin)
    fill()
    full = service.wait_until(lambda: (lambda s: s if not s["store"]["ok"] or s["store"]["dropped_rows"] else None)(store_state(service, admin)), "the full disk is noticed", 30)
    tap.check(full["store"]["error"] and any("store" in w or "disk" in w for w in full["warnings"]), f"{what}: the status says that the store fails, and why", full["store"])
    goes_on(service, admin, what)
    tap.check(service.call("GET", "/health")[0] == 200, f"{what}: alive")
    free()
    service.wait_until(lambda: store_state(service, admin)["store"]["ok"] and len(rows(service, admin)) > len(stored) + 2, "the store works again", 40)
    after = rows(service, admin)
    tap.check(all(after.get(k) == v for k, v in list(stored.items())[:-1]), f"{what}: what was stored before is still there", sorted(set(stored) - set(after)))
    tap.check(service.stop() == 0, f"{what}: ends cleanly afterwards")


def limited_files():
    """No file may grow: the soft limit of a child may be lowered and raised without privileges."""
    with Service(sections=f"streams:\n{GOOD}") as service:
        admin = service.key("admin")
        pid = service.process.pid
        hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
        fill_and_free("files that may not grow", service, admin, lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, hard)),
                      lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard)))


class OnSmallDisk(Service):
    """The service's folder is a file system of 12 MB in a name space of its own: no privileges, where the kernel allows it."""

    def start(self, wait=True):
        self.outside = pathlib.Path(str(self.folder) + "-outside")
        self.outside.mkdir()
        self.config = pathlib.Path(shutil.move(self.config, self.outside / "sci.yaml"))
        self.log = self.outside / "sci.log"
        script = (f"mount -t tmpfs -o size=12m none {self.folder} && {BINARY} token create --role admin --name full -c {self.config} > {self.outside}/key && "
                  f"exec {BINARY} serve -c {self.config}")
        self.process = subprocess.Popen(["unshare", "-rm", "sh", "-c", script], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(self.log, "ab"))
        self.wait_until(lambda: self.call("GET", "/health")[0] == 200, "health", 30)
        self.keys["full"] = (self.outside / "key").read_text().strip().splitlines()[-1]
        return self

    def __exit__(self, *failure):
        super().__exit__(*failure)
        shutil.rmtree(self.outside, ignore_errors=True)


def full_disk():
    allowed = shutil.which("unshare") and subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode == 0
    if not allowed:
        return tap.skip("a full disk", "this kernel gives no mount name space to a user; files that may not grow are tested instead")
    with OnSmallDisk(sections=f"streams:\n{GOOD}") as service:
        filler = pathlib.Path(f"/proc/{service.process.pid}/root{service.folder}/filler")

        def fill():
            with open(filler, "wb", buffering=0) as f:
                try:
                    while True:
                        f.write(b"\0" * 4096)
                except OSError:
                    pass

        fill_and_free("a full disk", service, service.keys["full"], fill, filler.unlink)


def one_service():
    files = bad_files()
    bad = "".join(f"  - {{stream_id: {name}, uri: {path}, frame_rate: 7}}\n" for name, (path, _) in files.items())
    with Service(sections=f"streams:\n{GOOD}{bad}", extra="") as service:
        service.config.write_text(service.config.read_text().replace("allowed_dirs: [", f"allowed_dirs: [{folder}, "))
        service.stop()
        service.start()
        admin = service.key("admin")
        cameras(service, admin, files)
        dead_rtsp(service, admin)
        second_service(service, admin)
        requests(service, admin)
        tap.check(service.stop() == 0, "after all of it, the service ends cleanly")


why = assets_missing()
if why:
    tap.skip("bad input", why)
else:
    for test in (one_service, limited_files, full_disk):
        try:
            test()
        except Exception as error:  # the others go on
            tap.check(False, test.__name__, f"{type(error).__name__}: {error}")
shutil.rmtree(folder, ignore_errors=True)
sys.exit(tap.end())
