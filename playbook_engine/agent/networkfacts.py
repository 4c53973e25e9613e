"""Facts of the network: interfaces, their addresses, the way out (netdevice(7), /proc/net, /sys/class/net)."""

import os

from playbook_engine.agent import procfs


def network() -> "dict":
    """Interfaces, their addresses, the way out."""
    import socket
    import struct

    names = sorted(os.listdir("/sys/class/net")) if os.path.isdir("/sys/class/net") else []
    names = names or [line.split(":")[0].strip() for line in procfs.read("/proc/net/dev").splitlines()[2:]]
    found: "dict" = {"interfaces": names, "all_ipv4_addresses": [], "all_ipv6_addresses": []}
    six = _ipv6()
    for name in names:
        told: "dict" = {
            "device": name,
            "promisc": bool(int(procfs.read("/sys/class/net/%s/flags" % name).strip() or "0", 16) & 0x100),
            "active": procfs.read("/sys/class/net/%s/operstate" % name).strip() in ("up", "unknown"),
            "ipv6": six.get(name, []),
        }
        told.update(_link(name))
        four = _ipv4(name)
        if four:
            told["ipv4"] = four
            if not four["address"].startswith("127."):
                found["all_ipv4_addresses"].append(four["address"])
        found["all_ipv6_addresses"] += [a["address"] for a in told["ipv6"] if a["address"] != "::1"]
        found[name.replace("-", "_").replace(".", "_").replace(":", "_")] = told
    found["default_ipv4"], found["default_ipv6"] = {}, _way_out(six)
    for line in procfs.read("/proc/net/route").splitlines()[1:]:
        fields = line.split()
        if fields[1] == "00000000" and int(fields[3], 16) & 1:  # RTF_UP
            gateway = socket.inet_ntoa(struct.pack("=I", int(fields[2], 16)))
            here = dict(_ipv4(fields[0]) or {}, interface=fields[0], gateway=gateway, alias=fields[0])
            found["default_ipv4"] = dict(here, **_link(fields[0]))
            break
    return found


def _link(name: str) -> "dict":
    """What an interface and the addresses of the way out have in common."""
    where = "/sys/class/net/" + name
    kinds = {"1": "ether", "32": "infiniband", "512": "ppp", "772": "loopback", "65534": "tunnel"}  # if_arp.h
    kind = "bridge" if os.path.isdir(where + "/bridge") else "bonding" if os.path.isdir(where + "/bonding") else None
    told: "dict" = {"mtu": int(procfs.read(where + "/mtu").strip() or 0)}
    kind = kind or kinds.get(procfs.read(where + "/type").strip())
    if kind:
        told["type"] = kind
    if kind != "loopback":
        told["macaddress"] = procfs.read(where + "/address").strip() or None
    return told


def _way_out(six: "dict[str, list]") -> "dict":
    """The default route of IPv6, from /proc/net/ipv6_route."""
    import socket

    for line in procfs.read("/proc/net/ipv6_route").splitlines():
        fields = line.split()
        if fields[0].strip("0") or fields[1] != "00" or not fields[4].strip("0"):
            continue
        gateway = socket.inet_ntop(socket.AF_INET6, bytes(bytearray.fromhex(fields[4])))
        address: "dict" = next((a for a in six.get(fields[9], []) if a["scope"] == "global"), {})
        return dict(address, interface=fields[9], gateway=gateway, **_link(fields[9]))
    return {}


def _ipv4(name: str) -> "dict | None":
    """The first IPv4 address of an interface, asked of the kernel (netdevice(7))."""
    import fcntl
    import socket
    import struct

    told = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as it:
        for key, request in (("address", 0x8915), ("broadcast", 0x8919), ("netmask", 0x891B)):
            try:
                answer = fcntl.ioctl(it.fileno(), request, struct.pack("256s", name[:15].encode()))
                told[key] = socket.inet_ntoa(answer[20:24])
            except OSError:
                if key == "address":
                    return None
    address, mask = (struct.unpack("!I", socket.inet_aton(told[k]))[0] for k in ("address", "netmask"))
    told["network"] = socket.inet_ntoa(struct.pack("!I", address & mask))
    told["prefix"] = str(bin(mask).count("1"))
    return told


def _ipv6() -> "dict[str, list]":
    """IPv6 addresses by interface, from /proc/net/if_inet6."""
    import socket

    scopes = {0x00: "global", 0x20: "link", 0x10: "host", 0x40: "site"}
    found: "dict[str, list]" = {}
    for line in procfs.read("/proc/net/if_inet6").splitlines():
        digits, _, prefix, scope, _, name = line.split()
        address = socket.inet_ntop(socket.AF_INET6, bytes(bytearray.fromhex(digits)))
        told = {"address": address, "prefix": str(int(prefix, 16)), "scope": scopes.get(int(scope, 16), scope)}
        found.setdefault(name, []).append(told)
    return found
