"""A real web server on this machine that misbehaves as asked."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Web(ThreadingHTTPServer):
    """Serves `files` by path; `script` says per path how each successive request goes, the last for ever.

    Behaviours: "serve", "truncate" (closes after half), "ignore range", "corrupt", "stall" (sends half, then nothing),
    "miscount" (a range that begins elsewhere), "chunked", a number (that status), or "-> /path" (redirects).
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.script: dict[str, list[str | int]] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.over = threading.Event()

    def serve(self, path: str, content: bytes, *behaviours: str | int) -> str:
        """Serve `content` at `path` and return its URL."""
        self.files[path] = content
        self.script[path] = list(behaviours) or ["serve"]
        return self.url(path)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def ranges(self, path: str) -> list[str | None]:
        """Return the ranges asked for at `path`, one a request."""
        return [span for asked, span in self.asked if asked == path]


class _Handler(BaseHTTPRequestHandler):
    server: Web  # type: ignore[assignment]

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        span = self.headers.get("Range")
        self.server.asked.append((self.path, span))
        script = self.server.script.get(self.path, [404])
        behaviour = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(behaviour, int):
            self.send_error(behaviour)
        elif behaviour.startswith("-> "):
            self.send_response(302)
            self.send_header("Location", behaviour[3:])
            self.end_headers()
        else:
            self._send(self.server.files[self.path], span, behaviour)

    def _send(self, content: bytes, span: str | None, behaviour: str) -> None:
        begin = int(span.removeprefix("bytes=").removesuffix("-")) if span and behaviour != "ignore range" else 0
        if begin >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.end_headers()
            return
        body = content[begin:]
        if behaviour == "corrupt":
            body = bytes(byte ^ 1 for byte in body)
        self.send_response(206 if begin else 200)
        if begin:
            first = 0 if behaviour == "miscount" else begin
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        if behaviour == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if behaviour in ("truncate", "stall") else body)
        if behaviour == "stall":
            self.wfile.flush()
            self.server.over.wait(20)


@contextmanager
def unruly_server() -> Iterator[Web]:
    """Yield a server that runs until the block ends."""
    server = Web()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
