#!/usr/bin/env python3
"""Reads the index that encbox publishes in a volume, as docs/index-format.md describes it.

Nothing of encbox is used, only Python's standard library and the package `cryptography`: what a phone does, in the order
of that page. The password is the first line of standard input.

    read_index.py VOLUME                     list what all devices published, as JSON, a line each
    read_index.py VOLUME --picture PATH      write an entry's picture to standard output
    read_index.py VOLUME --cat PATH          write a file's contents to standard output, found through the index
"""

import argparse
import base64
import gzip
import hashlib
import hmac
import json
import os
import stat
import struct
import sys
import xml.etree.ElementTree

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


# ---- 3: objects ----------------------------------------------------------------------------------


def hkdf(key, salt, info):
    """HKDF-SHA256 for 32 bytes (RFC 5869)."""
    extracted = hmac.new(salt, key, hashlib.sha256).digest()
    return hmac.new(extracted, info + b"\x01", hashlib.sha256).digest()


def open_object(index_key, device, name, data):
    """The JSON in an object; None if it is damaged or another one."""
    if len(data) < 64 or data[:8] != b"encboxt1":
        return None
    key = hkdf(index_key, data[8:40], b"encbox: object")
    try:
        text = AESGCM(key).decrypt(bytes(12), data[40:], f"{device}/{name}".encode())
    except InvalidTag:
        return None
    length = int.from_bytes(text[:8], "little")
    return json.loads(gzip.decompress(text[8 : 8 + length]))


# ---- 4 and 5: roots and packs --------------------------------------------------------------------


def name_bytes(name):
    """A name as the columns have it."""
    return name.encode() if isinstance(name, str) else base64.b64decode(name["base64"])


def join(folder, name):
    return folder + b"/" + name if folder else name


def is_name(name):
    return name not in (b"", b".", b"..") and b"/" not in name and b"\0" not in name


def is_path(path):
    return path == b"" or all(is_name(name) for name in path.split(b"/"))


class Publisher:
    """What one device published."""

    def __init__(self, index_key, place, device):
        self.index_key, self.place, self.device = index_key, os.path.join(place, device), device
        with open(os.path.join(self.place, "root"), "rb") as file:
            root = open_object(index_key, device, "root", file.read())
        if root is None:
            raise ValueError("damaged, forged, or of another volume")
        if root["format"] != "encbox travelling index: root" or root["version"] != 1:
            raise ValueError("of a newer version")
        self.root, self.packs = root, {}

    def pack(self, number):
        """A pack by its number in the root; None if it has not arrived."""
        if number not in self.packs:
            name = self.root["packs"][number]
            try:
                with open(os.path.join(self.place, name), "rb") as file:
                    self.packs[number] = open_object(self.index_key, self.device, name, file.read())
            except OSError:
                self.packs[number] = None
        return self.packs[number]

    def entries(self):
        """Every entry with what its packs say of it."""
        columns, places = self.root["entries"], {}
        for row, name in enumerate(columns["name"]):
            entry = {key: columns[key][row] for key in ("size", "mtime", "flags", "title")}
            entry["kind"] = self.root["kinds"][columns["kind"][row]]
            folder, name = name_bytes(self.root["folders"][columns["folder"][row]]), name_bytes(name)
            # the n-th entry that names a pack is the n-th in it
            for what in ("details", "picture"):
                number = columns[what][row]
                entry[what] = None if number == -1 else (number, places.get(number, 0))
                places[number] = places.get(number, 0) + 1
            if not is_path(folder) or not is_name(name):
                continue
            entry["path"] = join(folder, name)
            number, at = entry.pop("details")
            details = self.pack(number)
            if details is not None:
                folder = name_bytes(details["folders"][details["folder"][at]])
                entry["cipher_path"] = join(folder, name_bytes(details["name"][at]))
                entry["cipher_size"] = details["size"][at]
                entry["content_hash"] = base64.b64decode(details["content_hash"][at])
                entry["snippet"] = details["snippet"][at]
            yield entry

    def picture(self, entry):
        """The bytes of an entry's picture."""
        number, at = entry["picture"]
        return base64.b64decode(self.pack(number)["data"][at])


# ---- 6: is it true? ------------------------------------------------------------------------------


def content_hash(path):
    """Dropbox's: SHA-256 over the SHA-256 digests of every 4 MiB. A client gets it from the service instead."""
    digests = b""
    with open(path, "rb") as file:
        while block := file.read(4 << 20):
            digests += hashlib.sha256(block).digest()
    return hashlib.sha256(digests).digest()


def is_usual(mode):
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)


def state(volume, entry):
    if "cipher_path" not in entry:
        return "unknown"
    path = os.path.join(volume, entry["cipher_path"])
    try:
        found = os.lstat(path)
    except OSError:
        return "gone"
    kinds = {"folder": stat.S_ISDIR, "link": stat.S_ISLNK, "special": lambda mode: not is_usual(mode)}
    if not kinds.get(entry["kind"], stat.S_ISREG)(found.st_mode):
        return "changed"
    if entry["kind"] in ("folder", "special") or entry["kind"] == "link" and found.st_size == entry["cipher_size"]:
        return "current"
    if found.st_size != entry["cipher_size"]:
        return "changed"
    if found.st_mtime_ns // 10**9 == entry["mtime"]:
        return "current"
    return "current" if entry["content_hash"] and content_hash(path) == entry["content_hash"] else "changed"


def union(volume, publishers):
    """One entry for each path: of the latest device that has it right, or else of the latest."""
    best = {}
    for publisher in sorted(publishers, key=lambda publisher: -publisher.root["published"]):
        for entry in publisher.entries():
            known = best.get(entry["path"])
            if known is None or known[1]["state"] != "current":
                entry["state"] = state(volume, entry)
                if known is None or entry["state"] == "current":
                    best[entry["path"]] = (publisher, entry)
    return best


# ---- 7: from the password to the keys ------------------------------------------------------------


class Volume:
    """The parameters and the key of a volume with AES and a V6 config."""

    def __init__(self, root, password):
        tree = xml.etree.ElementTree.parse(os.path.join(root, b".encfs6.xml"))
        config = tree.getroot().find("cfg")
        number = lambda name: int(config.findtext(name, "0").strip())
        self.root = root
        assert config.findtext("cipherAlg/name").strip() == "ssl/aes" and int(config.findtext("cipherAlg/major")) == 3
        self.names = config.findtext("nameAlg/name").strip()
        self.block, self.header = number("blockSize"), 8 if number("uniqueIV") else 0
        self.mac, self.random = number("blockMACBytes"), number("blockMACRandBytes")
        self.holes, self.plain, self.chained = number("allowHoles"), number("plainData"), number("chainedNameIV")
        self.external = self.chained and self.header and number("externalIVChaining")
        key_size = number("keySize") // 8
        salt = base64.b64decode(config.findtext("saltData"))
        derived = hashlib.pbkdf2_hmac("sha1", password, salt, number("kdfIterations"), key_size + 16)
        wrapped = base64.b64decode(config.findtext("encodedKeyData"))
        check = int.from_bytes(wrapped[:4], "big")
        self.key, self.iv = derived[:key_size], derived[key_size:]
        opened = self.decode_stream(wrapped[4:], check)
        if fold(self.mac_64(opened)) != check:
            sys.exit("wrong password")
        self.key, self.iv = opened[:key_size], opened[key_size:]

    def index_key(self):
        return hkdf(self.key + self.iv, b"", b"encbox: travelling index, version 1")

    # ---- 8: contents -----------------------------------------------------------------------------

    def ivec(self, seed):
        return hmac.new(self.key, self.iv + struct.pack("<Q", seed), hashlib.sha1).digest()[:16]

    def mac_64(self, data, chain=None):
        data += b"" if chain is None else struct.pack("<Q", chain)
        digest, folded = hmac.new(self.key, data, hashlib.sha1).digest(), bytearray(8)
        for at in range(19):
            folded[at % 8] ^= digest[at]
        return int.from_bytes(folded, "big")

    def decode_block(self, data, seed):
        decryptor = Cipher(algorithms.AES(self.key), modes.CBC(self.ivec(seed))).decryptor()
        return decryptor.update(data) + decryptor.finalize()

    def cfb(self, data, iv):
        """CFB decryption: each block is mixed with the encryption of the one before."""
        encryptor = Cipher(algorithms.AES(self.key), modes.ECB()).encryptor()
        before = iv + data
        stream = b"".join(encryptor.update(before[at : at + 16]) for at in range(0, len(data), 16))
        return bytes(a ^ b for a, b in zip(data, stream))

    def decode_stream(self, data, seed):
        data = unmix(self.cfb(data, self.ivec((seed + 1) % 2**64)))
        data = b"".join(data[at : at + 64][::-1] for at in range(0, len(data), 64))
        return unmix(self.cfb(data, self.ivec(seed)))

    def path_iv(self, path):
        """What the header of a file depends on with external IV chaining."""
        chain = 0
        for name in path.split(b"/") if self.external and self.names != "nameio/null" else ():
            if self.names != "nameio/stream":
                pad = 16 - len(name) % 16
                name += bytes([pad]) * pad
            chain = self.mac_64(name, chain)
        return chain

    def contents(self, path, data):
        """The plaintext of a file from what is on disk."""
        if self.plain or len(data) <= self.header:
            return data[self.header :]
        file_iv = 0
        if self.header:
            file_iv = int.from_bytes(self.decode_stream(data[:8], self.path_iv(path)), "big")
        overhead, plain = self.mac + self.random, b""
        for number, at in enumerate(range(self.header, len(data), self.block)):
            block, seed = data[at : at + self.block], number ^ file_iv
            if len(block) == self.block:
                block = block if self.holes and not any(block) else self.decode_block(block, seed)
            else:
                block = self.decode_stream(block, seed)
            if self.mac and not (self.holes and not any(block)):
                mac = struct.pack("<Q", self.mac_64(block[self.mac :]))[: self.mac]
                if mac != block[: self.mac]:
                    sys.exit(f"block {number} is damaged")
            plain += block[overhead:]
        return plain


def unmix(data):
    """Undoes the running xor."""
    return bytes(byte ^ before for byte, before in zip(data, b"\0" + data))


def fold(mac):
    return mac >> 32 ^ mac & 0xFFFFFFFF


# ---- the command line ----------------------------------------------------------------------------


def publishers(volume):
    place = os.path.join(os.fsdecode(volume.root), ".encbox", "index")
    for device in sorted(os.listdir(place) if os.path.isdir(place) else ()):
        if len(device) != 16 or set(device) - set("0123456789abcdef"):
            continue
        try:
            yield Publisher(volume.index_key(), place, device)
        except FileNotFoundError:
            pass
        except ValueError as error:
            print(f"{device}: ignored: {error}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description="Reads the index that travels with a volume.")
    parser.add_argument("volume")
    parser.add_argument("--picture", metavar="PATH")
    parser.add_argument("--cat", metavar="PATH")
    arguments = parser.parse_args()
    password = sys.stdin.buffer.readline().rstrip(b"\r\n")
    volume = Volume(os.fsencode(arguments.volume), password)
    found = union(volume.root, publishers(volume))
    wanted = arguments.picture or arguments.cat
    if wanted:
        if os.fsencode(wanted) not in found:
            sys.exit("not in the index")
        publisher, entry = found[os.fsencode(wanted)]
        if arguments.picture:
            sys.stdout.buffer.write(publisher.picture(entry))
        else:
            with open(os.path.join(volume.root, entry["cipher_path"]), "rb") as file:
                sys.stdout.buffer.write(volume.contents(entry["path"], file.read()))
        return
    for path in sorted(found, key=lambda path: path.split(b"/")):
        publisher, entry = found[path]
        entry["picture"] = entry["picture"] is not None
        entry["device"] = publisher.device
        for name in [name for name in ("path", "cipher_path") if name in entry]:
            text = entry[name].decode(errors="replace")
            if text.encode() != entry[name]:
                entry[name + "_hex"] = entry[name].hex()
            entry[name] = text
        if "content_hash" in entry:
            entry["content_hash"] = entry["content_hash"].hex()
        print(json.dumps(entry))


if __name__ == "__main__":
    main()
