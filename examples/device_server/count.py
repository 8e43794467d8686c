"""Passes connections on to a server of devices and says how many bytes crossed, each way.

    python3 examples/device_server/count.py 3001 3000

A client of 127.0.0.1:3001 is then one of 127.0.0.1:3000. A line for each connection that ends: bytes to the server, bytes back.
"""

import socket
import sys
import threading


def copy(source, sink, counts, direction):
    try:
        while data := source.recv(1 << 20):
            counts[direction] += len(data)
            sink.sendall(data)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(client, port):
    server = socket.create_connection(("127.0.0.1", port))
    for end in (client, server):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    counts = [0, 0]
    there = threading.Thread(target=copy, args=(client, server, counts, 0))
    there.start()
    copy(server, client, counts, 1)
    there.join()
    print(*counts, flush=True)


def main():
    listen, port = map(int, sys.argv[1:])
    listener = socket.create_server(("127.0.0.1", listen))
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, port), daemon=True).start()


main()
