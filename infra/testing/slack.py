"""A stand-in for Slack's incoming webhooks on loopback: accepts every post and remembers it."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# A GuardDuty finding's id. It is in every card's last line.
ID = re.compile(r"[0-9a-f]{32}")


class Slack:
    def __init__(self):
        self.posts: list[dict] = []
        self.refused: list[str] = []
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, text = stand_in.take(self.path, body)
                self.send_response(status)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def do_GET(self):
                # Version 1 of the AWS CLI fetches a URL that it is given as a parameter. Nobody may do that with a webhook.
                stand_in.refused.append("GET")
                self.send_error(405)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.webhook = f"http://127.0.0.1:{self.server.server_address[1]}/services/T000/B000/stand-in"

    def take(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Refuses what Slack refuses: a body that is not a payload, and an address that is not the webhook's."""
        if path != "/services/T000/B000/stand-in":
            self.refused.append(path)
            return 404, b"no_service"
        try:
            payload = json.loads(body)
            proper = isinstance(payload["text"], str) and payload["text"]
        except (ValueError, KeyError, TypeError):
            proper = False
        if not proper:
            self.refused.append("invalid_payload")
            return 400, b"invalid_payload"
        self.posts.append(payload)
        return 200, b"ok"

    def posted(self, since: int = 0) -> dict[str, int]:
        """How many posts show each finding."""
        counts: dict[str, int] = {}
        for payload in self.posts[since:]:
            for found in set(ID.findall(json.dumps(payload))):
                counts[found] = counts.get(found, 0) + 1
        return counts

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
