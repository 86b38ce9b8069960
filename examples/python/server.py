"""SageMaker's container contract with nothing but Python's standard library: counts the words of each record."""
import json, os, signal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections open between requests
    disable_nagle_algorithm = True  # or the body of an answer waits 40 ms for the acknowledgement of its head

    def do_GET(self):
        self.answer(200 if self.path == "/ping" else 404)

    def do_POST(self):
        lines = self.rfile.read(int(self.headers["Content-Length"])).splitlines()
        try:
            texts = [json.loads(line)["text"] for line in lines]
            results = [{"words": len(text.split()), "characters": len(text)} for text in texts]
            self.answer(200, "".join(json.dumps(result) + "\n" for result in results))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self.answer(400, json.dumps({"message": f"{type(error).__name__}: {error}"}))

    def answer(self, status, body=""):
        self.send_response(status)
        self.send_header("Content-Type", "application/jsonlines")
        self.send_header("Content-Length", str(len(body)))  # json.dumps writes ASCII only
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *args):
        pass


signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback
ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("SAGEMAKER_BIND_TO_PORT", 8080))), Handler).serve_forever()
