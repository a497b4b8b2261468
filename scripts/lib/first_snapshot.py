#!/usr/bin/python3
"""Wait on the service's WebSocket until people are published, and print that snapshot.

  first_snapshot.py PORT SECONDS < KEY

The key is read from standard input, so that it does not show in the list of processes. Prints the first
"stream_update" with at least one person as one line of JSON, and says on standard error how many people; exit
status 0, or 1 with a reason.
"""
import base64
import json
import os
import socket
import struct
import sys
import time

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Client:
    """Just enough of RFC 6455: whole messages in, small text messages out."""

    def __init__(self, port, key, deadline):
        self.deadline = deadline
        self.socket = socket.create_connection(("127.0.0.1", port), self.left())
        nonce = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(("GET /ws HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\nAuthorization: Bearer %s\r\n\r\n"
                             % (port, nonce, key)).encode())
        self.stream = self.socket.makefile("rb")
        status = self.stream.readline().decode().strip()
        if " 101 " not in status + " ":
            raise RuntimeError("the WebSocket was refused: %s" % status)
        while self.stream.readline().strip():
            pass

    def left(self):
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no people were published in time")
        return left

    def read(self, count):
        self.socket.settimeout(self.left())
        data = self.stream.read(count)
        if len(data) < count:
            raise RuntimeError("the service closed the connection")
        return data

    def send(self, kind, payload):
        mask = os.urandom(4)
        masked = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
        self.socket.sendall(struct.pack("!BB", 0x80 | kind, 0x80 | len(payload)) + mask + masked)

    def message(self):
        """The next text message; live pictures are passed over, pings answered."""
        kind, whole = None, b""
        while True:
            first, length = self.read(2)
            if length & 0x7F == 126:
                length, = struct.unpack("!H", self.read(2))
            elif length & 0x7F == 127:
                length, = struct.unpack("!Q", self.read(8))
            payload = self.read(length)
            op = first & 0x0F
            if op == PING:
                self.send(PONG, payload)
            elif op == CLOSE:
                raise RuntimeError("the service closed the connection")
            elif op != PONG:
                kind, whole = op or kind, whole + payload
                if first & 0x80:
                    if kind == TEXT:
                        return json.loads(whole)
                    kind, whole = None, b""


def main():
    port, seconds = int(sys.argv[1]), float(sys.argv[2])
    try:
        client = Client(port, sys.stdin.readline().strip(), time.monotonic() + seconds)
        client.send(TEXT, json.dumps({"type": "subscribe", "streams": "*"}).encode())
        while True:
            message = client.message()
            people = message.get("crowd_data", {}).get("people", {})
            if message.get("type") == "stream_update" and people.get("valid") and people["value"] > 0:
                print("setup:   camera %s: %d people (%g to %g)" %
                      (message["stream_id"], people["value"], people["low"], people["high"]), file=sys.stderr)
                print(json.dumps(message))
                return 0
    except (OSError, RuntimeError, ValueError) as problem:
        print("first_snapshot: %s" % problem, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
