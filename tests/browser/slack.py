"""A stand-in for Slack that accepts every post. Prints its port."""

from http.server import BaseHTTPRequestHandler, HTTPServer


class Slack(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")


server = HTTPServer(("127.0.0.1", 0), Slack)
print(server.server_address[1], flush=True)
server.serve_forever()
