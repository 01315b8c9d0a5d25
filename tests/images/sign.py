#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes signatures of images, and puts them into a registry: by another hand than rkt's.

usage: sign.py payload REFERENCE DIGEST [TYPE]          a payload as cosign's, on standard output
       sign.py dsse KEY DIGEST [PREDICATE]              a sigstore bundle with an in-toto Statement
       sign.py message KEY FILE                         a sigstore bundle over the file
       sign.py downloaded KEY PAYLOAD                   what `cosign download signature` prints
       sign.py push-image REGISTRY/NAME TAG LAYOUT      the layout's first image; prints its digest
       sign.py push-cosign REGISTRY/NAME DIGEST KEY PAYLOAD [SIGNED]   at the tag sha256-<hex>.sig; SIGNED: what the
                                                        signature is really over
       sign.py push-bundle REGISTRY/NAME DIGEST BUNDLE        as a referrer, by the fallback tag
REGISTRY: https://HOST, or HOST, which is asked in plain text
"""
import base64
import hashlib
import json
import subprocess
import sys
import urllib.error
import urllib.request

OCI = 'application/vnd.oci.image.'
BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json'
SIGN = 'https://sigstore.dev/cosign/sign/v1'


def b64(data):
    return base64.b64encode(data).decode()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def sign(key, data):
    return subprocess.run(['openssl', 'dgst', '-sha256', '-sign', key], input=data, stdout=subprocess.PIPE, check=True).stdout


def payload(reference, digest, kind='cosign container image signature'):
    return json.dumps({'critical': {'identity': {'docker-reference': reference}, 'image': {'docker-manifest-digest': digest}, 'type': kind},
                       'optional': {} if kind.startswith('atomic') else None})


def bundle(**content):
    return json.dumps({'mediaType': BUNDLE, 'verificationMaterial': {'publicKey': {'hint': 'AAAA'}, 'tlogEntries': []}, **content})


def dsse(key, digest, predicate=SIGN):
    body = json.dumps({'_type': 'https://in-toto.io/Statement/v1', 'predicateType': predicate, 'predicate': {},
                       'subject': [{'name': '', 'digest': {'sha256': digest.split(':')[1]}}]}).encode()
    kind = 'application/vnd.in-toto+json'
    pae = f'DSSEv1 {len(kind)} {kind} {len(body)} '.encode() + body
    return bundle(dsseEnvelope={'payload': b64(body), 'payloadType': kind, 'signatures': [{'sig': b64(sign(key, pae))}]})


def message(key, path):
    data = read(path)
    return bundle(messageSignature={'messageDigest': {'algorithm': 'SHA2_256', 'digest': b64(hashlib.sha256(data).digest())},
                                    'signature': b64(sign(key, data))})


def downloaded(key, path):
    return json.dumps({'Base64Signature': b64(sign(key, read(path))), 'Payload': b64(read(path)), 'Cert': None, 'Chain': None, 'Bundle': None})


def request(method, url, data=None, kind='application/octet-stream'):
    q = urllib.request.Request(url, data=data, method=method, headers={'Content-Type': kind} if data is not None else {})
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(q)


def put_blob(repository, data):
    at = request('POST', f'{repository}/blobs/uploads/', b'').headers['Location']
    request('PUT', f'{at}{"&" if "?" in at else "?"}digest=sha256:{sha256(data)}', data)
    return {'digest': 'sha256:' + sha256(data), 'size': len(data)}


def put_manifest(repository, reference, document, kind=OCI + 'manifest.v1+json'):
    data = json.dumps(document).encode()
    request('PUT', f'{repository}/manifests/{reference or "sha256:" + sha256(data)}', data, kind)
    return {'mediaType': kind, 'digest': 'sha256:' + sha256(data), 'size': len(data)}


def where(name):
    scheme, _, rest = name.rpartition('://')
    registry, _, repository = rest.partition('/')
    return f'{scheme or "http"}://{registry}/v2/{repository}'


def push_image(name, tag, layout):
    repository = where(name)
    get = lambda digest: read(f'{layout}/blobs/{digest.replace(":", "/")}')
    descriptor = json.loads(read(layout + '/index.json'))['manifests'][0]
    data = get(descriptor['digest'])
    manifest = json.loads(data)
    for d in (manifest['config'], *manifest['layers']):
        put_blob(repository, get(d['digest']))
    request('PUT', f'{repository}/manifests/{tag}', data, descriptor['mediaType'])
    return descriptor['digest']


def push_cosign(name, digest, key, path, signed=None):
    repository, data = where(name), read(path)
    config = put_blob(repository, b'{"architecture":"","os":"","config":{},"rootfs":{"type":"layers","diff_ids":[]}}')
    layer = put_blob(repository, data)
    put_manifest(repository, digest.replace(':', '-') + '.sig', {
        'schemaVersion': 2, 'mediaType': OCI + 'manifest.v1+json', 'config': {'mediaType': OCI + 'config.v1+json', **config},
        'layers': [{'mediaType': 'application/vnd.dev.cosign.simplesigning.v1+json', **layer,
                    'annotations': {'dev.cosignproject.cosign/signature': b64(sign(key, read(signed or path)))}}]})


def push_bundle(name, digest, path):
    repository = where(name)
    layer, config = put_blob(repository, read(path)), put_blob(repository, b'{}')
    manifest = put_manifest(repository, None, {
        'schemaVersion': 2, 'mediaType': OCI + 'manifest.v1+json', 'artifactType': BUNDLE,
        'config': {'mediaType': 'application/vnd.oci.empty.v1+json', **config}, 'layers': [{'mediaType': BUNDLE, **layer}],
        'annotations': {'dev.sigstore.bundle.content': 'dsse-envelope', 'dev.sigstore.bundle.predicateType': SIGN}})
    put_manifest(repository, digest.replace(':', '-'), {
        'schemaVersion': 2, 'mediaType': OCI + 'index.v1+json', 'manifests': [{**manifest, 'artifactType': BUNDLE}]}, OCI + 'index.v1+json')


commands = {'push-image': push_image, 'payload': payload, 'dsse': dsse, 'message': message, 'downloaded': downloaded,
            'push-cosign': push_cosign, 'push-bundle': push_bundle}
out = commands[sys.argv[1]](*sys.argv[2:])
if out:
    print(out, end='')
