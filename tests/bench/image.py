#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the images that fetching is measured with, as OCI layouts.

usage: image.py DIR

What a machine has in /usr, 12,000 files and 500 MB of it, chosen in an order that looks random and is the same each time: programs,
libraries, texts, links, in the sizes that such files have. DIR becomes

  gzip, zstd        layouts; `ten` has 10 layers, `one` the same bytes in one layer, `next` all but the last of the ten and a new one
  HOW.REF           the files of that image's layers
  files             what /usr gave, one line: files, bytes

Nothing is compressed twice: the single layer is made of the pieces that the ten layers are made of.
"""
import concurrent.futures
import hashlib
import json
import os
import random
import stat
import struct
import subprocess
import sys
import tarfile
import zlib

FILES, BYTES, LAYERS = 12000, 500_000_000, 10
END = b'\0' * 1024
OCI = 'application/vnd.oci.image.'


def candidates():
    for top, dirs, names in os.walk('/usr'):
        dirs.sort()
        for name in sorted(names):
            path = top + '/' + name
            st = os.lstat(path)
            if stat.S_ISREG(st.st_mode) or stat.S_ISLNK(st.st_mode):
                yield path, st.st_size if stat.S_ISREG(st.st_mode) else 0


def choose():
    """Small and large as they come, as long as the average can still come out."""
    found = list(candidates())
    random.Random(1).shuffle(found)
    left, room, chosen = FILES, BYTES, []
    for path, size in found:
        if left and size <= room / max(1, left / 1500):
            chosen.append((path, size))
            left, room = left - 1, room - size
    return chosen


def pack_dirs(paths):
    """The directories of a layer, which lists each before what is in it, and once."""
    known = set()
    for path in paths:
        parts = path.strip('/').split('/')
        known.update('/'.join(parts[:n]) for n in range(1, len(parts)))

    def entries():
        for name in sorted(known):
            t = tarfile.TarInfo(name)
            t.type, t.mode, t.mtime = tarfile.DIRTYPE, 0o755, 1000000000
            yield t.tobuf(tarfile.GNU_FORMAT)
    return b''.join(entries())


def pack(paths):
    """The files of a layer."""
    def entries():
        for path in sorted(paths):
            t = tarfile.TarInfo(path.strip('/'))
            t.mtime, t.mode = 1000000000, 0o644
            if os.path.islink(path):
                t.type, t.linkname = tarfile.SYMTYPE, os.readlink(path)
                yield t.tobuf(tarfile.GNU_FORMAT)
                continue
            with open(path, 'rb') as f:
                data = f.read()
            t.size, t.mode = len(data), 0o755 if os.access(path, os.X_OK) else 0o644
            yield t.tobuf(tarfile.GNU_FORMAT) + data + b'\0' * (-len(data) % 512)
    return b''.join(entries())


def deflate(raw):
    """Ends at a byte, and nothing behind it refers to it."""
    z = zlib.compressobj(6, zlib.DEFLATED, -15)
    return z.compress(raw) + z.flush(zlib.Z_FULL_FLUSH)


def gzip(pieces, raws):
    crc = size = 0
    for raw in raws + [END]:
        crc, size = zlib.crc32(raw, crc), size + len(raw)
    last = zlib.compressobj(6, zlib.DEFLATED, -15)
    return (b'\x1f\x8b\x08\0\0\0\0\0\0\xff' + b''.join(pieces) + last.compress(END) + last.flush() +
            struct.pack('<II', crc, size & 0xffffffff))


def frame(raw):
    return subprocess.run(['zstd', '-qc3'], input=raw, stdout=subprocess.PIPE, check=True).stdout


def zstd(pieces, _):
    return b''.join(pieces) + frame(END)


class Layout:
    def __init__(self, top):
        self.top, self.manifests = top, []
        os.makedirs(top + '/blobs/sha256')

    def blob(self, data, media, **more):
        name = hashlib.sha256(data).hexdigest()
        with open(f'{self.top}/blobs/sha256/{name}', 'wb') as out:
            out.write(data)
        return {'mediaType': OCI + media, 'digest': 'sha256:' + name, 'size': len(data), **more}

    def image(self, ref, layers):
        """layers: (blob, digest uncompressed)"""
        config = {'architecture': 'amd64', 'os': 'linux', 'config': {'Cmd': ['/bin/true']},
                  'rootfs': {'type': 'layers', 'diff_ids': [diff for _, diff in layers]}}
        manifest = {'schemaVersion': 2, 'mediaType': OCI + 'manifest.v1+json',
                    'config': self.blob(json.dumps(config).encode(), 'config.v1+json'), 'layers': [layer for layer, _ in layers]}
        self.manifests.append(self.blob(json.dumps(manifest).encode(), 'manifest.v1+json',
                                        annotations={'org.opencontainers.image.ref.name': ref}))
        with open(f'{self.top}.{ref}', 'w', encoding='ascii') as out:
            for layer, _ in layers:
                print(f'{self.top}/blobs/sha256/{layer["digest"][7:]}', file=out)

    def close(self):
        for name, value in (('oci-layout', {'imageLayoutVersion': '1.0.0'}), ('index.json', {'schemaVersion': 2, 'manifests': self.manifests})):
            with open(f'{self.top}/{name}', 'w', encoding='ascii') as out:
                json.dump(value, out)


def make(top, how, squeeze, join, raws, pool):
    layout = Layout(f'{top}/{how}')
    pieces = list(pool.map(squeeze, raws))

    def layer(numbers):
        # behind the files of all layers are the directories of each, and last those of all
        dirs = LAYERS + 1 + numbers[0] if len(numbers) == 1 else -1
        numbers = [dirs, *numbers]
        parts = [raws[i] for i in numbers]
        diff = hashlib.sha256()
        for part in parts + [END]:
            diff.update(part)
        return (layout.blob(join([pieces[i] for i in numbers], parts), 'layer.v1.tar+' + how), 'sha256:' + diff.hexdigest())
    ten = [layer([i]) for i in range(LAYERS)]
    layout.image('ten', ten)
    layout.image('next', ten[:-1] + [layer([LAYERS])])
    layout.image('one', [layer(range(LAYERS))])
    layout.close()


def main():
    top, chosen = sys.argv[1], choose()
    paths = [path for path, _ in chosen]
    parts = [paths[i::LAYERS] for i in range(LAYERS)]
    raws = [pack(part) for part in parts]
    raws.append(pack(parts[-1][1:]))
    raws += [pack_dirs(part) for part in parts + [parts[-1][1:], paths]]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        make(top, 'gzip', deflate, gzip, raws, pool)
        make(top, 'zstd', frame, zstd, raws, pool)
    with open(top + '/files', 'w', encoding='ascii') as out:
        print(len(chosen), sum(size for _, size in chosen), file=out)


main()
