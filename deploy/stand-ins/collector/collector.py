"""Takes what services export over OTLP and HTTP, as a collector does, and says how much came: never what is in it."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Exports(BaseHTTPRequestHandler):
    """One request of an exporter."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Count what came; an empty answer says that all of it was taken."""
        size = len(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
        sys.stdout.write(f"{self.path}: {size} bytes\n")
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing but the counts."""


if __name__ == "__main__":
    ThreadingHTTPServer(("", 4318), Exports).serve_forever()
