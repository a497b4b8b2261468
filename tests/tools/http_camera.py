"""An HTTP camera on loopback, for tests: Python's standard library only.

    with HttpCamera(folder, login=("guard", "pass word")) as camera: camera.uri("mjpeg/still.jpg")

/mjpeg/NAME      the folder's JPEG as multipart pictures, 10 a second, for ever
/status/CODE     that status
/live/...        what `live` (a function of the path, returning (type, bytes) or None) gives
/NAME            a file of the folder
`spoil`: while it is true the parts of /mjpeg cannot be decoded.
`login`: Basic authentication is asked for. `query`: these parameters have to be in the address, else 401.
"""
import base64
import http.server
import pathlib
import threading
import time
import urllib.parse

TYPES = {".m3u8": "application/vnd.apple.mpegurl", ".ts": "video/mp2t", ".mp4": "video/mp4", ".jpg": "image/jpeg"}



RUBBISH = b"\xff\xd8\xff\xc0\x00\x11" + bytes(15) + b"\xff\xd9"  # a JPEG of no size


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def log_message(self, *_):
        pass

    def _give(self, status, kind="text/plain", body=b"", headers=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _allowed(self, query):
        camera = self.server.camera
        if camera.login:
            expected = "Basic " + base64.b64encode(":".join(camera.login).encode()).decode()
            if self.headers.get("Authorization") != expected:
                return False
        return all(query.get(name) == [value] for name, value in camera.query.items())

    def do_GET(self):
        camera = self.server.camera
        address = urllib.parse.urlsplit(self.path)
        path = address.path
        camera.asked.append(self.path)
        try:
            if not self._allowed(urllib.parse.parse_qs(address.query)):
                self._give(401, headers=[("WWW-Authenticate", 'Basic realm="camera"')])
            elif path.startswith("/status/"):
                self._give(int(path[8:]))
            elif path.startswith("/mjpeg/"):
                self._mjpeg(camera.folder / path[7:])
            elif path.startswith("/live/"):
                answer = camera.live(path) if camera.live else None
                self._give(200, *answer) if answer else self._give(404)
            elif (camera.folder / path[1:]).is_file():
                name = camera.folder / path[1:]
                self._give(200, TYPES.get(name.suffix, "application/octet-stream"), name.read_bytes())
            else:
                self._give(404)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def _mjpeg(self, name):
        whole = name.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        self.end_headers()
        while not self.server.camera.stopping:
            picture = RUBBISH if self.server.camera.spoil else whole
            self.wfile.write(b"--next\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(picture), picture))
            time.sleep(0.1)


class HttpCamera:
    def __init__(self, folder, login=None, query=None, live=None):
        self.folder = pathlib.Path(folder)
        self.login, self.query, self.live = login, query or {}, live
        self.stopping = self.spoil = False
        self.asked = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.daemon_threads = True
        self.server.camera = self
        self.port = self.server.server_address[1]

    def uri(self, path, login=""):
        return f"http://{login}127.0.0.1:{self.port}/{path}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        self.server.shutdown()
        self.server.server_close()
