"""Starts localemu on 127.0.0.1. By itself it listens on every interface of the machine, whatever host it is given.

usage: localemu_on_loopback.py PORT, by the Python that localemu is installed in
"""

import os
import sys

from twisted.internet import endpoints

whole = endpoints.TCP4ServerEndpoint.__init__


def on_loopback(self, reactor, port, backlog=50, interface=""):
    whole(self, reactor, port, backlog, interface or "127.0.0.1")


endpoints.TCP4ServerEndpoint.__init__ = on_loopback
os.environ["GATEWAY_LISTEN"] = f"127.0.0.1:{int(sys.argv[1])}"

from localemu.runtime.main import main  # noqa: E402 - it reads the environment when it is imported.

main()
