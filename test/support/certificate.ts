import { generateKeyPairSync, sign } from 'node:crypto';

/** A key and a certificate that it signed itself, both PEM. The certificate is its own CA. */
export interface Certificate {
  key: string;
  cert: string;
}

/** A certificate for localhost and 127.0.0.1, good for a day (RFC 5280, DER by hand: tests need Node and nothing else). */
export function selfSigned(): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(oid('2a8648ce3d040302'));
  const name = sequence(set(sequence(oid('550403'), tag(0x0c, Buffer.from('subpipe test')))));
  const day = 86_400_000;
  const validity = sequence(time(new Date(Date.now() - day)), time(new Date(Date.now() + day)));
  const isCa = extension('551d13', sequence(tag(0x01, Buffer.from([0xff]))));
  const names = extension(
    '551d11',
    sequence(tag(0x82, Buffer.from('localhost')), tag(0x87, Buffer.from([127, 0, 0, 1]))),
  );
  const body = sequence(
    tag(0xa0, integer(2)),
    integer(1),
    algorithm,
    name,
    validity,
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tag(0xa3, sequence(isCa, names)),
  );
  const signature = sign('sha256', body, privateKey);
  const whole = sequence(body, algorithm, tag(0x03, Buffer.from([0]), signature));
  const lines = (whole.toString('base64').match(/.{1,64}/g) ?? []).join('\n');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
  };
}

function tag(type: number, ...content: Buffer[]): Buffer {
  const value = Buffer.concat(content);
  const size = value.length;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([type, ...length]), value]);
}

const sequence = (...content: Buffer[]): Buffer => tag(0x30, ...content);
const set = (...content: Buffer[]): Buffer => tag(0x31, ...content);
const oid = (hex: string): Buffer => tag(0x06, Buffer.from(hex, 'hex'));
const integer = (value: number): Buffer => tag(0x02, Buffer.from([value]));
const extension = (id: string, value: Buffer): Buffer => sequence(oid(id), tag(0x04, value));

function time(at: Date): Buffer {
  return tag(0x18, Buffer.from(`${at.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`));
}
