// Reads webhooks from standard input, one JSON line each: {secret, publicKey, headers, body}; prints for each
// {"v1": …, "v1a": …}: whether the reference library takes its v1 signature, and whether one of its v1a signatures is
// good. The library (1.1.1) knows no v1a, so that is checked with Node's own OpenSSL, as the specification says.
// node verify.mjs <folder of the installed modules>
import { createPublicKey, verify } from 'node:crypto';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const [, , modules] = process.argv;
const { Webhook } = createRequire(`${modules}/`)('standardwebhooks');
const ED25519 = Buffer.from('302a300506032b6570032100', 'hex'); // what stands before the key's 32 bytes in DER

function v1({ secret, headers, body }) {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

function v1a({ publicKey, headers, body }) {
  const raw = Buffer.from(publicKey.slice('whpk_'.length), 'base64');
  const key = createPublicKey({ key: Buffer.concat([ED25519, raw]), format: 'der', type: 'spki' });
  const signed = Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`);
  return headers['webhook-signature']
    .split(' ')
    .map((one) => one.split(','))
    .some(([version, signature]) => version === 'v1a' && verify(null, signed, key, Buffer.from(signature, 'base64')));
}

for await (const line of createInterface({ input: process.stdin })) {
  const webhook = JSON.parse(line);
  console.log(JSON.stringify({ v1: v1(webhook), v1a: v1a(webhook) }));
}
