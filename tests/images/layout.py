#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes an OCI layout, as right or as wrong as a test wants it.

usage: layout.py DIR, with a script on standard input that calls

  layer(ENTRY…, compress='gzip'|'zstd'|'')     → a layer
  image(LAYER…, ref=, platform=, **config)     a manifest in the index
  blob(BYTES), manifests, write(name, object)  for everything that is wrong

with ENTRY one of d(path, mode), f(path, text, mode, xattrs=, pax=), s(path, target), h(path, target), wh(path), opq(path), n(path, …),
or bytes: what a tar archive has never seen.
"""
import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile

top = sys.argv[1]
os.makedirs(top + '/blobs/sha256', exist_ok=True)
manifests = []
OCI = 'application/vnd.oci.image.'


def entry(path, kind, mode=0o644, text=None, target='', xattrs=None, uid=0, gid=0, dev=(0, 0), pax=None):
    t = tarfile.TarInfo(path)
    t.type, t.mode, t.linkname, t.mtime, t.uid, t.gid = kind, mode, target, 1000000000, uid, gid
    t.devmajor, t.devminor = dev
    t.pax_headers = {**{'SCHILY.xattr.' + k: v for k, v in (xattrs or {}).items()}, **(pax or {})}
    data = (text or '').encode()
    t.size = len(data)
    return t, data


def d(path, mode=0o755, **k): return entry(path, tarfile.DIRTYPE, mode, **k)
def f(path, text='', mode=0o644, **k): return entry(path, tarfile.REGTYPE, mode, text, **k)
def s(path, target, **k): return entry(path, tarfile.SYMTYPE, 0o777, target=target, **k)
def h(path, target, **k): return entry(path, tarfile.LNKTYPE, target=target, **k)
def n(path, dev, **k): return entry(path, tarfile.CHRTYPE, dev=dev, **k)


def header(path, size, kind=tarfile.REGTYPE, changed=lambda h: h):
    """The block in front of a file, with a checksum that is right whatever is changed in it."""
    t = tarfile.TarInfo(path)
    t.size, t.type, t.mode = size, kind, 0o644
    h = bytearray(changed(bytearray(t.tobuf(tarfile.GNU_FORMAT)[-512:])))
    h[148:156] = b' ' * 8
    h[148:156] = b'%06o\0 ' % sum(h)
    return bytes(h)


def padded(data): return data + b'\0' * (-len(data) % 512)
def at(offset, data): return lambda h: h[:offset] + data + h[offset + len(data):]


def wh(path):
    head, tail = os.path.split(path)
    return f(os.path.join(head, '.wh.' + tail))


def opq(path): return f(os.path.join(path, '.wh..wh..opq'))
def busybox(): return entry('bin/busybox', tarfile.REGTYPE, 0o755)[0], open('/bin/busybox', 'rb').read()


def base():
    """A root in which a shell runs."""
    links = [s('bin/' + a, 'busybox') for a in ('sh', 'ls', 'cat', 'id', 'stat', 'test', 'readlink', 'echo', 'find')]
    return [d('./'), d('bin'), busybox(), *links, d('etc'), d('usr'), d('usr/lib'), s('lib', 'usr/lib'), d('tmp', 0o1777)]


def blob(data):
    hexa = hashlib.sha256(data).hexdigest()
    with open(top + '/blobs/sha256/' + hexa, 'wb') as out:
        out.write(data)
    return 'sha256:' + hexa


def layer(*entries, compress='gzip'):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode='w', format=tarfile.PAX_FORMAT) as t:
        for one in entries:
            if isinstance(one, bytes):
                raw.write(one)
                t.offset += len(one)
                continue
            info, data = one
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    raw = raw.getvalue()
    packed = {'gzip': lambda: gzip.compress(raw, 1, mtime=0), '': lambda: raw,
              'zstd': lambda: subprocess.run(['zstd', '-qc1'], input=raw, stdout=subprocess.PIPE, check=True).stdout}[compress]()
    return {'mediaType': OCI + 'layer.v1.tar' + ('+' + compress if compress else ''), 'digest': blob(packed), 'size': len(packed),
            'diff': 'sha256:' + hashlib.sha256(raw).hexdigest()}


def document(media, value, **more):
    data = json.dumps(value).encode()
    return {'mediaType': media, 'digest': blob(data), 'size': len(data), **more}


def manifest(*layers, arch='amd64', os='linux', config=None, changed=lambda m: m, **config_keys):
    keys = {'Entrypoint': ['/bin/sh', '-c'], 'Env': ['PATH=/bin'], **config_keys}
    c = document(OCI + 'config.v1+json', {'architecture': arch, 'os': os, 'config': keys,
                                          'history': [{'created_by': 'test'} for x in layers],
                                          'rootfs': {'type': 'layers', 'diff_ids': [x['diff'] for x in layers]}})
    return changed({'schemaVersion': 2, 'mediaType': OCI + 'manifest.v1+json', 'config': config or c,
                    'layers': [{k: v for k, v in x.items() if k != 'diff'} for x in layers]})


def image(*layers, ref='one', platform=None, **more):
    m = document(OCI + 'manifest.v1+json', manifest(*layers, **more), annotations={'org.opencontainers.image.ref.name': ref})
    if platform:
        m['platform'] = platform
    manifests.append(m)
    return m


def write(name, value):
    with open(top + '/' + name, 'w') as out:
        json.dump(value, out)


exec(compile(sys.stdin.read(), 'test', 'exec'))
write('oci-layout', {'imageLayoutVersion': '1.0.0'})
if manifests:
    write('index.json', {'schemaVersion': 2, 'manifests': manifests})
