"""Runs `localstripe`, a stand-in for Stripe's servers, at a free port of this machine.

Its own command line listens on every address, ends if the port is taken, and keeps its state in a file that
all instances share. It is asked like every other script, for one thing: `listen`. It ends when its input
ends.
"""

import json
import os
import socket
import sys
import threading
import types

from localstripe import resources, server

request = json.loads(sys.stdin.readline())
answers, sys.stdout = sys.stdout, sys.stderr


class Loopback(socket.socket):
    """The socket that localstripe asks for, but for this machine alone, and announced once it listens."""

    def __init__(self, *_):
        super().__init__(socket.AF_INET, socket.SOCK_STREAM)

    def bind(self, _):
        super().bind(("127.0.0.1", 0))

    def listen(self, *backlog):
        super().listen(*backlog)
        answer = {"id": request["id"], "value": self.getsockname()[1]}
        print(json.dumps(answer), file=answers, flush=True)


def end_with_input():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_input, daemon=True).start()
resources.Store.dump_to_disk = lambda store: None
server.socket = types.SimpleNamespace(**{**vars(socket), "socket": Loopback})
sys.argv = ["localstripe", "--from-scratch"]
server.start()
