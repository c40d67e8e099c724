#!/usr/bin/python3
"""swift-watch: what the kernel says of listening sockets, for e2e-swift.

    swift-watch.py sockets PID...
        prints "PID ADDRESS INODE" for each listening socket that the process PID or a child of it holds.

    swift-watch.py ports MORE ADDRESS...
        samples as long as the file MORE is there. Prints a line when it has begun, and one at the end:
        how many of the addresses listened at the least, how often it looked, the longest time between
        two looks in ms, and how often each address ceased to listen. An ADDRESS is 127.0.0.1:6200.

It asks the kernel, and not mgr: mgr's word is what is tested.
"""
import os
import socket
import struct
import sys
import time

PAUSE = 0.002  # seconds between two looks

# sock_diag(7): all of TCP's sockets over IPv4 that listen, and no others, of which there may be
# thousands. TCP_LISTEN is 10.
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST_DUMP, NLMSG_ERROR, NLMSG_DONE = 4, 20, 0x301, 2, 3
HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
REQUEST = struct.pack("=BBBBI48x", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 1 << 10)  # inet_diag_req_v2
MESSAGE = struct.Struct("=4B 2s2x4s12x16x4x8x 16xI")  # inet_diag_msg: port and address, the inode last


def listening():
    """(address, inode) of each socket that listens."""
    found = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as s:
        s.send(HEADER.pack(HEADER.size + len(REQUEST), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST_DUMP, 1, 0) + REQUEST)
        while True:
            data, at = s.recv(1 << 16), 0
            while at < len(data):
                length, kind = HEADER.unpack_from(data, at)[:2]
                if kind == NLMSG_DONE:
                    return found
                if kind == NLMSG_ERROR:
                    raise OSError(-struct.unpack_from("=i", data, at + HEADER.size)[0], "sock_diag")
                fields = MESSAGE.unpack_from(data, at + HEADER.size)
                port, host, inode = int.from_bytes(fields[4], "big"), socket.inet_ntoa(fields[5]), fields[6]
                found.append(("%s:%d" % (host, port), str(inode)))
                at += (length + 3) & ~3


def inodes(pid):
    """The sockets that the process holds."""
    held = set()
    try:
        for fd in os.listdir("/proc/%s/fd" % pid):
            try:
                link = os.readlink("/proc/%s/fd/%s" % (pid, fd))
            except FileNotFoundError:
                continue
            if link.startswith("socket:["):
                held.add(link[8:-1])
    except (FileNotFoundError, ProcessLookupError):
        pass
    return held


def parents():
    """The parent of each process."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid) as f:
                found[pid] = f.read().rsplit(")", 1)[1].split()[1]
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def sockets(pids):
    there = dict((inode, address) for address, inode in listening())
    parent = parents()
    for pid in pids:
        family = [pid] + [child for child, of in parent.items() if of == pid]
        held = set().union(*(inodes(member) for member in family))
        for inode in sorted(held & set(there)):
            print(pid, there[inode], inode)


def ports(more, addresses):
    wanted = list(addresses)
    least, looks, gap, ceased = len(wanted), 0, 0.0, dict.fromkeys(wanted, 0)
    up, last = set(wanted), time.monotonic()
    while os.path.exists(more):
        now = set(address for address, _ in listening()) & set(wanted)
        moment = time.monotonic()
        gap, last = max(gap, moment - last), moment
        least, looks = min(least, len(now)), looks + 1
        for address in up - now:
            ceased[address] += 1
        if looks == 1:
            print("begun", flush=True)
        up = now
        time.sleep(PAUSE)
    print(least, looks, "%d" % (gap * 1000), *(ceased[a] for a in wanted))


def main(verb, *words):
    if verb == "sockets":
        sockets(words)
    else:
        ports(words[0], words[1:])


if __name__ == "__main__":
    main(*sys.argv[1:])
