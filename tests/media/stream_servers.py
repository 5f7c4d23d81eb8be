"""Small real servers of live video: HTTP (motion JPEG, MPEG-TS, HLS, a file) and RTSP (MPEG-TS over RTP over TCP)."""

import http.server
import io
import itertools
import socketserver
import struct
import threading

from clip_maker import scene
from PIL import Image

BOUNDARY = "frame"
DESCRIPTION = b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=test\r\nt=0 0\r\nm=video 0 RTP/AVP 33\r\na=control:track\r\n"


def jpeg(number, size=(64, 48)):
    buffer = io.BytesIO()
    Image.fromarray(scene(number, *size)).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


class Server(socketserver.ThreadingTCPServer):
    """Serves until it is closed; what its handlers do is steered by its attributes."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, handler, **settings):
        self.closing = threading.Event()
        self.stalled = threading.Event()
        self.changed = threading.Condition()
        self.connections = 0
        self.sent = 0
        self.frames_a_connection = None
        self.refusing = False
        self.spoiled = False
        self.pause = 0.01
        self.path = None
        vars(self).update(settings)
        super().__init__(("127.0.0.1", 0), handler)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def __exit__(self, *error):
        self.closing.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        """A client that hangs up is what these tests are about."""

    def count(self, **changes):
        with self.changed:
            for name, change in changes.items():
                setattr(self, name, getattr(self, name) + change)
            self.changed.notify_all()

    def wait_for(self, condition, timeout=10):
        with self.changed:
            assert self.changed.wait_for(condition, timeout)

    @property
    def host(self):
        return f"127.0.0.1:{self.server_address[1]}"


class HttpHandler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self.server.count(connections=1)
        if self.server.refusing:
            self.send_error(503)
        elif self.path.startswith("/silent"):
            self.server.closing.wait(20)
        elif self.path.startswith("/mjpeg"):
            self.send_motion_jpeg()
        else:
            self.send_file()

    def send_motion_jpeg(self):
        self.send_response(200)
        self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
        self.end_headers()
        for number in itertools.islice(itertools.count(), self.server.frames_a_connection):
            picture = jpeg(number % 40)
            if self.server.spoiled:
                picture = picture[:200] + bytes(len(picture) - 200)
            head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n".encode()
            self.wfile.write(head + picture + b"\r\n")
            self.server.count(sent=1)
            if self.server.closing.wait(self.server.pause):
                return
        if self.server.stalled.is_set():
            self.server.closing.wait(20)

    def send_file(self):
        data = (self.server.path / self.path.rpartition("/")[2].partition("?")[0]).read_bytes()
        self.send_response(200)
        if not self.path.startswith("/endless"):
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class RtspHandler(socketserver.StreamRequestHandler):
    """Enough of RFC 2326 for one client: a transport stream (payload type 33) interleaved into the connection."""

    def handle(self):
        self.server.count(connections=1)
        while head := self.read_head():
            method, _, headers = head
            answer = {"OPTIONS": b"Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"}.get(method, b"")
            body = b""
            if method == "DESCRIBE":
                body = DESCRIPTION
                answer = b"Content-Type: application/sdp\r\nContent-Length: %d\r\n" % len(body)
            elif method == "SETUP":
                self.server.transport = headers["transport"]
                answer = b"Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
            status = f"RTSP/1.0 200 OK\r\nCSeq: {headers['cseq']}\r\n".encode()
            self.wfile.write(status + answer + b"\r\n" + body)
            if method == "PLAY":
                return self.play()
            if method == "TEARDOWN":
                return None
        return None

    def read_head(self):
        lines = []
        while line := self.rfile.readline().strip():
            lines.append(line.decode())
        if not lines:
            return None
        method, url, _ = lines[0].split(" ", 2)
        pairs = (line.partition(":") for line in lines[1:])
        return method, url, {name.lower(): value.strip() for name, _, value in pairs}

    def play(self):
        data = self.server.path.read_bytes()
        step = 7 * 188
        for number, start in enumerate(range(0, len(data), step)):
            packet = struct.pack(">BBHII", 0x80, 33, number & 0xFFFF, number * 900, 1) + data[start : start + step]
            self.wfile.write(struct.pack(">cBH", b"$", 0, len(packet)) + packet)
            if self.server.closing.wait(self.server.pause):
                return
