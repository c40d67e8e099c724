#!/usr/bin/python3
"""swift-client: a client that reads an object again and again over one connection, for e2e-swift.

    swift-client.py MORE URL TOKEN FILE
        GETs the URL as long as the file MORE is there, and compares what comes with FILE, byte by byte.
        Every request is a line: its time in ms, and "good", "again" or "FAILED" with the reason.

A server may close a connection that waits for the next request at any time. Then a client opens
another one and sends the request again, as RFC 9112, section 9.3.1 says: once, if the connection has
answered before, and nothing of this answer has come. That is "again". Whatever else fails has failed.
"""
import http.client
import os
import sys
import time
import urllib.parse

PATIENCE = 30  # seconds for one request

# What http.client makes of a connection that was closed before an answer.
CLOSED = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


class Client:
    def __init__(self, url, token, wanted):
        parts = urllib.parse.urlsplit(url)
        self.address, self.path = parts.netloc, parts.path
        self.headers, self.wanted = {"X-Auth-Token": token}, wanted
        self.connection = None

    def ask(self):
        """The head of an answer."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.address, timeout=PATIENCE)
        self.connection.request("GET", self.path, headers=self.headers)
        return self.connection.getresponse()

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def read(self):
        """One request: how it went."""
        word, reused = "good", self.connection is not None
        try:
            try:
                answer = self.ask()
            except CLOSED:
                if not reused:
                    raise
                self.close()
                word, answer = "again", self.ask()
            body = answer.read()
            if answer.status != 200:
                return "FAILED status %d" % answer.status
            if body != self.wanted:
                return "FAILED %d bytes, not those of the object" % len(body)
            if answer.will_close:
                self.close()
            return word
        except (OSError, http.client.HTTPException) as e:
            self.close()
            return "FAILED %s: %s" % (type(e).__name__, e)


def main(more, url, token, path):
    with open(path, "rb") as f:
        client = Client(url, token, f.read())
    while os.path.exists(more):
        word = client.read()
        print("%d %s" % (time.time() * 1000, word), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
