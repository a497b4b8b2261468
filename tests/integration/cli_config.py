#!/usr/bin/env python3
"""sci config, doctor and version as a person calls them. Prints TAP."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from sci_service import BINARY, CLIP, MODEL, ROOT, Tap, assets_missing, free_port  # noqa: E402

tap = Tap()
folder = pathlib.Path(tempfile.mkdtemp(prefix="sci-config-"))


def sci(*arguments, environment=None, stdout=subprocess.PIPE):
    return subprocess.run([BINARY, *map(str, arguments)], cwd=ROOT, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=120,
                          env={**os.environ, **(environment or {})})


def write(name, text):
    path = folder / name
    path.write_text(text)
    return path


def configuration_check():
    for name in ("demo", "sci"):
        result = sci("config", "check", "-c", f"config/{name}.yaml")
        tap.check(result.returncode == 0 and result.stdout.startswith(f"config/{name}.yaml: right\n") and not result.stderr,
                  f"config/{name}.yaml is right", result.stdout + result.stderr)
    result = sci("config", "check", "--json", "-c", "config/demo.yaml")
    tap.check(json.loads(result.stdout)["streams"][0]["stream_id"] == "square", "the configuration in force as JSON")
    result = sci("config", "check", "--json", environment={"SCI_SERVER__PORT": "8123"})
    tap.check(json.loads(result.stdout)["server"]["port"] == 8123, "a variable overrides a value")
    result = sci("config", "check", environment={"SCI_SERVER__PROT": "8123"})
    tap.check(result.returncode == 1 and "SCI_SERVER__PROT" in result.stderr, "a variable that names no key", result.stderr)


def wrong_configurations():
    wrong = write("wrong.yaml", "server:\n  prot: 8000\n  port: eight\nstreams:\n"
                                "  - {stream_id: a, uri: rtsp://h/x, zones: [{id: z, polygon: [[0, 0], [1, 0], [1, 1]]},\n"
                                "     {id: z, polygon: [[0, 0], [1, 0], [1, 1]]}]}\n")
    result = sci("config", "check", "-c", wrong)
    tap.check(result.returncode == 1 and result.stdout == "" and result.stderr ==
              f"sci: {wrong}:2:3: server.prot: unknown key (did you mean 'port'?)\n"
              f"sci: {wrong}:3:9: server.port: expected a whole number, got 'eight'\n"
              f"sci: {wrong}:6:11: streams[0].zones[1].id: 'z' is repeated: zones[0] has this id\n",
              "every error with its place", result.stderr)
    for what, path, words in (("a file that is not there", folder / "none.yaml", "none.yaml"),
                              ("a folder", folder, str(folder)),
                              ("no YAML", write("broken.yaml", "server: [\n"), "broken.yaml:2:1: ")):
        result = sci("config", "check", "-c", path)
        tap.check(result.returncode == 1 and result.stderr.startswith("sci: ") and words in result.stderr, what, result.stderr)
    for what, arguments in (("no word", ["config"]), ("a wrong word", ["config", "chek"]), ("a word too many", ["config", "check", "x"]),
                            ("no file after -c", ["config", "check", "-c"]), ("a wrong option", ["config", "check", "--frob"])):
        result = sci(*arguments)
        tap.check(result.returncode == 2 and result.stderr.startswith("sci: config: "), f"config: {what}", result.stderr)


def secrets():
    path = write("secret.yaml", "streams: [{stream_id: a, uri: \"rtsp://user:hunter2@127.0.0.1:1/x?token=hunter2\"}]\n")
    outputs = [sci("config", "check", "-c", path), sci("config", "check", "--json", "-c", path), sci("doctor", "-c", path, "--timeout", "1s")]
    tap.check(all("hunter2" not in r.stdout + r.stderr and "127.0.0.1" in r.stdout for r in outputs), "credentials are never shown",
              "\n".join(r.stdout + r.stderr for r in outputs))


def keys():
    yaml = sci("config", "keys", "--yaml").stdout
    tap.check(yaml == (ROOT / "config/sci.yaml").read_text(), "config/sci.yaml is what the program writes")
    tap.check(sci("config", "keys").stdout in (ROOT / "docs/configuration.md").read_text(), "docs/configuration.md has the tables")


def versions():
    result = sci("version", "--json")
    version = json.loads(result.stdout)
    tap.check(result.returncode == 0 and {"ONNX Runtime", "FFmpeg", "SQLite"} <= set(version["libraries"]), "versions as JSON", result.stdout)
    tap.check(sci("version").stdout == f"sci {version['version']}\n" == sci("--version").stdout, "version as text")
    with open("/dev/full", "w") as full:
        result = sci("version", stdout=full)
    tap.check(result.returncode == 1 and result.stderr.startswith("sci: "), "standard output that takes nothing", result.stderr)


def findings(*arguments):
    result = sci("doctor", "--json", *arguments)
    return result.returncode, {f["what"]: f for f in map(json.loads, result.stdout.splitlines())}


def doctor_without_assets():
    port = free_port()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        path = write("doctor.yaml", f"server: {{port: {port}, pictures_dir: {folder}/pictures}}\n"
                                    f"store: {{path: /proc/none/sci.db, spool_dir: {folder}/spool}}\n"
                                    f"inference: {{model: {folder}/none.onnx}}\nalerts: {{journal: {folder}/journal}}\nstreams:\n"
                                    f"  - {{stream_id: dead, uri: \"rtsp://127.0.0.1:{free_port()}/x\"}}\n"
                                    f"  - {{stream_id: none, uri: {folder}/none.avi}}\n"
                                    f"  - {{stream_id: no_video, uri: {folder}/doctor.yaml}}\n"
                                    f"  - {{stream_id: off, uri: {folder}/none.avi, enabled: false}}\n")
        code, found = findings("-c", path, "--timeout", "2s")
    failed = {what for what, finding in found.items() if finding["state"] == "fail"}
    tap.check(code == 1 and failed == {"port", "database", "stream dead", "stream none", "stream no_video"},
              "doctor finds what is wrong", json.dumps(found, indent=1))
    tap.check(found["model"]["state"] == "warn" and "HOG" in found["model"]["text"] and "none.onnx" in found["model"]["text"],
              "doctor: without the model's file there is the built-in detector", json.dumps(found["model"]))
    tap.check(str(port) in found["port"]["text"] and "in use" in found["port"]["text"], "doctor: the port is in use")
    tap.check(not (folder / "spool").exists() and not list(folder.glob(".sci-doctor*")), "doctor leaves nothing behind")
    code, found = findings("-c", folder / "wrong.yaml")
    tap.check(code == 1 and found["configuration"]["state"] == "fail", "doctor: a wrong configuration")
    tap.check(sci("doctor", "--timeout", "soon").returncode == 2, "doctor: a time that is none")


def hardware_is_listed(path, found):
    """Which devices there are is the machine's matter; that each is named, with what is used and why, is not."""
    tap.check("H.264" in found["codecs"]["text"] and "HEVC" in found["codecs"]["text"], "doctor: the codecs", json.dumps(found["codecs"]))
    listed = [found[what]["text"] for what in ("decoder cuda", "decoder vaapi", "provider cuda", "provider tensorrt")]
    tap.check(all(text == "there" or text.startswith("not there: ") and len(text) > 20 for text in listed), "doctor: each device, there or why not", listed)
    tap.check(found["decoder"]["text"] == "the processor decodes (media.decoder: cpu)", "doctor: what decodes", found["decoder"])
    wanted = write("wanted.yaml", path.read_text().replace("inference: {", "media: {decoder: cuda}\ninference: {provider: cuda, "))
    _, asked = findings("-c", wanted, "--no-cameras")
    for what, device, name in (("decoder", "decoder cuda", "CUDA decodes"), ("provider", "provider cuda", "cuda runs")):
        there = asked[device]["text"] == "there"
        finding = asked[what]
        tap.check(finding["text"].startswith(name) if there else finding["state"] == "warn" and len(finding["text"]) > 40,
                  f"doctor: a {what} that was asked for is used, or why not", json.dumps(finding))


def doctor_with_assets():
    path = write("well.yaml", f"server: {{port: {free_port()}, pictures_dir: {folder}/pictures}}\n"
                              f"store: {{path: {folder}/sci.db, spool_dir: {folder}/spool}}\n"
                              f"inference: {{model: {MODEL}, workers: 1}}\nalerts: {{journal: {folder}/journal}}\n"
                              f"streams:\n  - {{stream_id: square, uri: {CLIP}}}\n")
    code, found = findings("-c", path)
    looked_at = ("program", "libraries", "configuration", "clock", "model", "port", "stream square")
    tap.check(code == 0 and all(found[what]["state"] == "ok" for what in looked_at), "doctor finds nothing wrong", json.dumps(found, indent=1))
    tap.check("768x576" in found["stream square"]["text"] and "nanodet" in found["model"]["text"], "doctor opens camera and model")
    hardware_is_listed(path, found)
    path.write_text(path.read_text().replace(str(MODEL), str(CLIP)))
    code, found = findings("-c", path, "--no-cameras")
    tap.check(code == 1 and found["model"]["state"] == "fail" and "stream square" not in found, "doctor: a model that is none",
              json.dumps(found, indent=1))


configuration_check()
wrong_configurations()
secrets()
keys()
versions()
doctor_without_assets()
missing = assets_missing()
if missing:
    tap.skip("doctor with camera and model", missing)
else:
    doctor_with_assets()
shutil.rmtree(folder)
sys.exit(tap.end())
