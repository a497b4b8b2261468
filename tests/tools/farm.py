"""Live cameras for tests and benchmarks: clips made with ffmpeg, served by rtsp_farm, one process per group of cameras.

A camera's clip has the sample clip's pictures, one after the other at 25 frames/s, so that no two pictures are the same.
"""
import os
import pathlib
import signal
import subprocess

from sci_service import CLIP, ROOT, free_port

BINARY = os.environ.get("SCI_RTSP_FARM", str(ROOT / "build/tests/tools/rtsp_farm"))
WIDE = "crop=768:432:0:100,scale=1280:720"


def missing():
    """Why there can be no cameras here; None when there can."""
    if not pathlib.Path(BINARY).exists():
        return "rtsp_farm is not built: gst-rtsp-server is not installed"
    if not CLIP.exists():
        return "the sample clip is not there: run scripts/setup.sh --no-start"
    return None


def encode(arguments, path, rate="2M", codec="libx264", raw=None):
    """Runs ffmpeg: two seconds between key frames, in MP4. `raw`: pictures for its standard input."""
    params = "keyint=50:min-keyint=50:scenecut=0"
    options = {"libx264": ["-x264-params", params], "libx265": ["-x265-params", params + ":log-level=error"]}[codec]
    subprocess.run(["ffmpeg", "-hide_banner", "-loglevel", "error", "-y", *arguments, "-an", "-c:v", codec, "-preset", "veryfast",
                    "-pix_fmt", "yuv420p", "-b:v", rate, "-maxrate", rate, "-bufsize", "2M", *options, str(path)],
                   input=raw, check=True)
    return path


def wide_clip(folder, b_frames=0, seconds=32, codec="libx264"):
    """1280x720 at 25 frames/s and 2 Mbit/s; kept in `folder`."""
    path = pathlib.Path(folder) / f"wide-{codec}-{b_frames}-{seconds}.mp4"
    if not path.exists():
        part = path.with_suffix(".part.mp4")
        encode(["-r", "25", "-i", str(CLIP), "-t", str(seconds), "-vf", WIDE, "-bf", str(b_frames)], part, codec=codec)
        part.rename(path)
    return path


def pictures(width, height, first=0, count=795, step=1, filters=WIDE):
    """Pictures of the sample clip as I420, one `bytes` each."""
    select = f"select='between(n\\,{first}\\,{first + count - 1})*not(mod(n\\,{step}))'"
    out = subprocess.run(["ffmpeg", "-hide_banner", "-loglevel", "error", "-i", str(CLIP), "-vf", f"{select},{filters},scale={width}:{height}",
                          "-vsync", "0", "-pix_fmt", "yuv420p", "-f", "rawvideo", "-"], capture_output=True, check=True).stdout
    size = width * height * 3 // 2
    return [out[i:i + size] for i in range(0, len(out), size)]


def encode_pictures(frames, width, height, path, rate="2M"):
    return encode(["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}", "-r", "25", "-i", "-", "-bf", "0"], path, rate,
                  raw=b"".join(frames))


def empty_picture(width, height):
    """The place without anybody: the median of pictures that are far apart in time."""
    import numpy
    frames = numpy.frombuffer(b"".join(pictures(width, height, step=13)), numpy.uint8).reshape(-1, width * height * 3 // 2)
    return numpy.median(frames, axis=0).astype(numpy.uint8).tobytes()


class Farm:
    """`count` cameras on one port: rtsp://127.0.0.1:PORT/cam1 ..."""

    def __init__(self, clips, count, *options, port=None):
        self.port = port or free_port()
        self.count = count
        self.command = [BINARY, "--port", str(self.port), "--cams", str(count), *options]
        for clip in clips:
            self.command += ["--file", str(clip)]
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        line = self.process.stdout.readline()
        if not line.startswith(b"ready"):
            raise AssertionError(f"the cameras did not start: {self.command}")
        return self

    def uri(self, camera=1, login=""):
        return f"rtsp://{login}127.0.0.1:{self.port}/cam{camera}"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.kill()

    def cpu_seconds(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
