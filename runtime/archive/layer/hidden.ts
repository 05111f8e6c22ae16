import { Buffer } from 'node:buffer';

/** A skippable frame (RFC 8878, section 3.1.2), with a number of the 16 that nobody else is known to use. */
const skippable = 0x184d2a57;

/** Of a gzip member that is empty: magic, deflate, an extra field, no time, an unknown system (RFC 1952, section 2.3). */
const memberHead = Buffer.of(0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff);
/** A last block without content; checksum and size of nothing. */
const memberTail = Buffer.of(3, 0, 0, 0, 0, 0, 0, 0, 0, 0);
const fieldName = Buffer.from('SP');
/** An extra field has 65,535 bytes, with four before ours. */
const mostInMember = 65_531;
const memberFrame = memberHead.length + 2 + 4 + memberTail.length;

/** Packs bytes so that what unpacks zstd or gzip passes them over, at the end of others. */
export function conceal(bytes: Buffer, kind: 'zstd' | 'gzip'): Buffer {
  if (kind === 'zstd') {
    const head = Buffer.alloc(8);
    head.writeUInt32LE(skippable, 0);
    head.writeUInt32LE(bytes.length, 4);
    return Buffer.concat([head, bytes]);
  }
  const parts: Buffer[] = [];
  for (let from = 0; from < bytes.length; from += mostInMember) {
    const part = bytes.subarray(from, from + mostInMember);
    const sizes = Buffer.alloc(6);
    sizes.writeUInt16LE(4 + part.length, 0);
    fieldName.copy(sizes, 2);
    sizes.writeUInt16LE(part.length, 4);
    parts.push(memberHead, sizes, part, memberTail);
  }
  return Buffer.concat(parts);
}

/** What {@link conceal} was given; undefined for other bytes. */
export function reveal(bytes: Buffer): Buffer | undefined {
  if (bytes.length >= 8 && bytes.readUInt32LE(0) === skippable) {
    return bytes.readUInt32LE(4) === bytes.length - 8 ? bytes.subarray(8) : undefined;
  }
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const contentAt = at + memberHead.length + 6;
    if (bytes.length - at < memberFrame || !bytes.subarray(at, at + memberHead.length).equals(memberHead))
      return undefined;
    const size = bytes.readUInt16LE(contentAt - 2);
    const isOurs = bytes.subarray(contentAt - 4, contentAt - 2).equals(fieldName);
    const end = contentAt + size;
    if (!isOurs || !bytes.subarray(end, end + memberTail.length).equals(memberTail)) return undefined;
    parts.push(bytes.subarray(contentAt, end));
    at = end + memberTail.length;
  }
  return Buffer.concat(parts);
}
