"""The real service in a folder of its own, for tests and benchmarks. Python's standard library only.

    with Service(streams=SQUARE) as service:
        admin = service.key("admin")
        status, problem = service.call("GET", "/streams", admin)
        socket = service.websocket(admin)
"""
import json
import os
import pathlib
import shutil
import signal
import socket as sockets
import struct
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(os.environ.get("SCI_SOURCE_ROOT", pathlib.Path(__file__).resolve().parents[2]))
BINARY = os.environ.get("SCI_BINARY", str(ROOT / "build/sci"))
CLIP = ROOT / "var/sample/vtest.avi"
MODEL = ROOT / "var/models/nanodet_g_int8.onnx"


def assets_missing():
    """Why a test that needs pictures and the detector cannot run here; None when it can."""
    for path in (CLIP, MODEL):
        if not path.exists():
            return f"{path.relative_to(ROOT)} is not there: run scripts/setup.sh --no-start"
    return None


def free_port():
    with sockets.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def demo_sections():
    """The sections `streams` and `alerts` of config/demo.yaml, with the clip's full path."""
    text = (ROOT / "config/demo.yaml").read_text()
    return text[text.index("streams:"):].replace("var/sample/vtest.avi", str(CLIP))


class Service:
    def __init__(self, sections=None, extra="", folder=None, workers=1, recorder=""):
        self.own_folder = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="sci-test-"))
        self.port = free_port()
        self.config = self.folder / "sci.yaml"
        self.log = self.folder / "sci.log"
        self.process = None
        self.keys = {}
        sections = demo_sections() if sections is None else sections
        base = f"""
server: {{port: {self.port}, pictures_dir: {self.folder}/pictures, rate_limit: 0}}
store: {{path: {self.folder}/sci.db, spool_dir: {self.folder}/spool}}
inference: {{model: {MODEL}, workers: {workers}}}
recorder: {{path: {self.folder}/recordings, min_free: 64MiB{recorder}}}
media: {{allowed_dirs: [{ROOT}/var/sample, {self.folder}]}}
"""
        sections = sections.replace("alerts:\n", f"alerts:\n  journal: {self.folder}/alerts.journal\n", 1)
        if "alerts:" not in sections:
            sections += f"\nalerts: {{journal: {self.folder}/alerts.journal}}\n"
        self.config.write_text(base + sections + extra)

    # ---- life ----

    def start(self, wait=True, log=None):
        """`log`: where standard error goes instead of the file."""
        self.process = subprocess.Popen([BINARY, "serve", "-c", str(self.config)], cwd=ROOT, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=log or open(self.log, "ab"))
        if wait:
            self.wait_until(lambda: self.call("GET", "/health")[0] == 200, "health", 30)
        return self

    def stop(self):
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *failure):
        if self.process and self.process.poll() is None:
            self.kill()
        if failure[0] is not None:
            print("# " + "\n# ".join(self.log.read_text(errors="replace").splitlines()[-30:]))
        if self.own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def wait_until(self, done, what, seconds=60):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise AssertionError(f"sci ended with {self.process.returncode} while waiting for {what}")
            value = done()
            if value:
                return value
            time.sleep(0.05)
        raise AssertionError(f"{what}: not within {seconds} s")

    # ---- requests ----

    def key(self, role, name=None):
        name = name or f"test-{role}"
        if name not in self.keys:
            out = subprocess.run([BINARY, "token", "create", "--role", role, "--name", name, "-c", str(self.config)], cwd=ROOT,
                                 capture_output=True, text=True, check=True).stdout
            self.keys[name] = out.strip().splitlines()[-1]
        return self.keys[name]

    def request(self, method, path, key=None, body=None, headers=None):
        """(status, headers, bytes). `body`: bytes as they are, anything else as JSON. 0 when nobody answers."""
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=data, method=method)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        if key:
            request.add_header("Authorization", f"Bearer {key}")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=15) as response:
                return response.status, response.headers, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return 0, {}, b""

    def call(self, method, path, key=None, body=None):
        status, _, text = self.request(method, path, key, body)
        try:
            return status, json.loads(text) if text else None
        except ValueError:
            return status, None

    def websocket(self, key=None, timeout=20):
        return WebSocket("127.0.0.1", self.port, key, timeout)

    def resident_kb(self):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith("VmRSS"):
                return int(line.split()[1])
        return 0

    def cpu_seconds(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Closed(Exception):
    def __init__(self, code):
        super().__init__(f"closed with {code}")
        self.code = code


class WebSocket:
    """A client of RFC 6455: enough for tests, and to send frames that no good client would."""

    def __init__(self, host, port, key, timeout):
        self.socket = sockets.create_connection((host, port), timeout)
        self.buffer = b""
        lines = ["GET /ws HTTP/1.1", f"Host: {host}:{port}", "Upgrade: websocket", "Connection: Upgrade",
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"]
        if key:
            lines.append(f"Authorization: Bearer {key}")
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        self.status = int(head.split()[1])
        self.head = head.decode()

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise Closed(None)
        self.buffer += data

    def _take(self, count):
        while len(self.buffer) < count:
            self._more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def frame(self):
        """(opcode, payload) of the next frame."""
        first, second = self._take(2)
        size = second & 127
        if size == 126:
            size = struct.unpack(">H", self._take(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self._take(8))[0]
        return first & 15, self._take(size)

    def receive(self):
        """The next message: a dict for JSON text, (header, bytes) for a live picture. Answers pings. Raises Closed."""
        while True:
            opcode, payload = self.frame()
            if opcode == 1:
                return json.loads(payload)
            if opcode == 2:
                head, picture = payload.split(b"\n", 1)
                return json.loads(head), picture
            if opcode == 8:
                raise Closed(struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else None)
            if opcode == 9:
                self.send_frame(10, payload)

    def receive_type(self, kind, seconds=60):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            message = self.receive()
            if isinstance(message, dict) and message.get("type") == kind:
                return message
        raise AssertionError(f"no {kind} within {seconds} s")

    def send_frame(self, opcode, payload, mask=True, final=True):
        head = bytes([opcode | (0x80 if final else 0)])
        bit = 0x80 if mask else 0
        if len(payload) < 126:
            head += bytes([bit | len(payload)])
        elif len(payload) < 65536:
            head += bytes([bit | 126]) + struct.pack(">H", len(payload))
        else:
            head += bytes([bit | 127]) + struct.pack(">Q", len(payload))
        if mask:
            key = os.urandom(4)
            payload = bytes(b ^ key[i % 4] for i, b in enumerate(payload))
            head += key
        self.socket.sendall(head + payload)

    def send(self, message):
        self.send_frame(1, json.dumps(message).encode())

    def close(self):
        self.socket.close()


class Tap:
    """Prints TAP: one line per check, counted at the end."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def check(self, ok, name, detail=""):
        self.count += 1
        self.failed += not ok
        print(f"{'ok' if ok else 'not ok'} {self.count} - {name}", flush=True)
        if not ok and detail:
            for line in str(detail).splitlines()[:20]:
                print(f"# {line}", flush=True)
        return ok

    def skip(self, name, why):
        self.count += 1
        print(f"ok {self.count} - {name} # SKIP {why}", flush=True)

    def run(self, name, function, *arguments):
        """A function that raises AssertionError, or anything else, when something is wrong."""
        try:
            function(*arguments)
        except Exception as error:  # a test that stumbles has failed, the others go on
            return self.check(False, name, f"{type(error).__name__}: {error}")
        return self.check(True, name)

    def end(self):
        print(f"1..{self.count}", flush=True)
        return 1 if self.failed else 0
