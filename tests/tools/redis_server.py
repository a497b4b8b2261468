"""A redis-server of its own on loopback, and the least of a client. Python's standard library only."""
import shutil
import socket
import subprocess
import tempfile
import time


class Redis:
    def __init__(self, port, password=None):
        self.port, self.password = port, password
        self.folder = tempfile.mkdtemp(prefix="sci-redis-")
        self.process = self.socket = None

    def __enter__(self):
        return self.start()

    def start(self):
        arguments = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", self.folder]
        arguments += ["--requirepass", self.password] if self.password else []
        self.process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                self.socket = socket.create_connection(("127.0.0.1", self.port), 5)
                self.file = self.socket.makefile("rb")
                if self.password:
                    self("AUTH", self.password)
                self("PING")
                return self
            except OSError:
                time.sleep(0.05)
        raise AssertionError("redis-server does not start")

    def kill(self):
        self.socket.close()
        self.process.kill()
        self.process.wait()

    def __exit__(self, *failure):
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __call__(self, *words):
        """Runs a command; its answer as Python's types."""
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
        return self.answer()

    def answer(self):
        line = self.file.readline()
        if not line:
            raise OSError("closed")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise AssertionError(rest.decode())
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self.answer() for _ in range(int(rest))]
        return int(rest) if kind == b":" else rest
