// Makes sigstore bundles, signed with keys, by way of the npm packages of sigstore.
const fs = require('fs'), crypto = require('crypto');
const { DSSEBundleBuilder, MessageSignatureBundleBuilder } = require('@sigstore/sign');
const { bundleToJSON } = require('@sigstore/bundle');
const dir = process.argv[2];
const manifest = fs.readFileSync(dir + '/manifest.json');
const digest = crypto.createHash('sha256').update(manifest).digest('hex');
const signer = (name) => {
  const key = crypto.createPrivateKey(fs.readFileSync(`${dir}/${name}.key`));
  const pub = crypto.createPublicKey(key).export({ format: 'pem', type: 'spki' });
  const hint = crypto.createHash('sha256').update(crypto.createPublicKey(key).export({ format: 'der', type: 'spki' })).digest('base64');
  return { sign: async (data) => ({ signature: crypto.sign(name === 'ed25519' ? null : name === 'p384' ? 'sha384' : 'sha256', data, key),
    key: { $case: 'publicKey', publicKey: pub, hint } }) };
};
const statement = (d, predicateType) => Buffer.from(JSON.stringify({ _type: 'https://in-toto.io/Statement/v1',
  subject: [{ digest: { sha256: d } }], predicateType, predicate: {} }));
const SIGN = 'https://sigstore.dev/cosign/sign/v1';
const write = (name, bundle) => fs.writeFileSync(`${dir}/${name}.sigstore.json`, JSON.stringify(bundleToJSON(bundle)) + '\n');
(async () => {
  for (const k of ['p256', 'p384', 'ed25519', 'rsa']) {
    const d = new DSSEBundleBuilder({ signer: signer(k), witnesses: [] });
    write(`dsse-${k}`, await d.create({ data: statement(digest, SIGN), type: 'application/vnd.in-toto+json' }));
    const m = new MessageSignatureBundleBuilder({ signer: signer(k), witnesses: [] });
    write(`message-${k}`, await m.create({ data: manifest }));
  }
  const d = new DSSEBundleBuilder({ signer: signer('p256'), witnesses: [] });
  write('dsse-other', await d.create({ data: statement('0'.repeat(64), SIGN), type: 'application/vnd.in-toto+json' }));
  write('dsse-attestation', await d.create({ data: statement(digest, 'https://slsa.dev/provenance/v1'), type: 'application/vnd.in-toto+json' }));
  write('dsse-type', await d.create({ data: statement(digest, SIGN), type: 'text/plain' }));
  const m = new MessageSignatureBundleBuilder({ signer: signer('p256'), witnesses: [] });
  write('message-other', await m.create({ data: Buffer.from('other') }));
})();
