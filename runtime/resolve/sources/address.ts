import dns from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { invalid } from '../../errors.ts';

const refused = new BlockList();
// This host, loopback, link-local: where metadata services and a node's own agents answer.
refused.addSubnet('0.0.0.0', 8, 'ipv4');
refused.addSubnet('127.0.0.0', 8, 'ipv4');
refused.addSubnet('169.254.0.0', 16, 'ipv4');
refused.addAddress('::', 'ipv6');
refused.addAddress('::1', 'ipv6');
refused.addSubnet('fe80::', 10, 'ipv6');
// Metadata services that are not link-local: Azure, Alibaba, Oracle; AWS and Google on IPv6.
refused.addAddress('168.63.129.16', 'ipv4');
refused.addAddress('100.100.100.200', 'ipv4');
refused.addAddress('192.0.0.192', 'ipv4');
refused.addAddress('fd00:ec2::254', 'ipv6');
refused.addAddress('fd20:ce::254', 'ipv6');

/**
 * Whether an IP address is loopback, link-local, unspecified or a cloud's metadata service, also as an IPv4 address inside an IPv6
 * one (mapped, NAT64 64:ff9b::/96, 6to4 2002::/16). Private networks (RFC 1918) are not: forges live there.
 */
export function isRefused(address: string): boolean {
  const plain = address.replace(/%.*$/, '');
  const family = isIP(plain);
  if (family === 0) return false;
  if (refused.check(plain, family === 4 ? 'ipv4' : 'ipv6')) return true;
  const embedded = family === 6 ? embeddedIPv4(plain) : undefined;
  return embedded !== undefined && refused.check(embedded, 'ipv4');
}

function embeddedIPv4(address: string): string | undefined {
  // The URL parser spells every address the same way: lower case, shortest, no dots.
  const groups = expand(new URL(`http://[${address}]`).hostname.slice(1, -1));
  const at = (index: number): number => groups[index] ?? 0;
  const dotted = (high: number, low: number): string => [high >> 8, high & 255, low >> 8, low & 255].join('.');
  const zeros = groups.slice(0, 5).every((group) => group === 0);
  if (zeros && (at(5) === 0xffff || at(5) === 0)) return dotted(at(6), at(7));
  if (at(0) === 0x64 && at(1) === 0xff9b) return dotted(at(6), at(7));
  if (at(0) === 0x2002) return dotted(at(1), at(2));
  return undefined;
}

function expand(address: string): number[] {
  const [left = '', right] = address.split('::');
  const numbers = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const [head, tail] = [numbers(left), numbers(right ?? '')];
  return right === undefined ? head : [...head, ...Array(8 - head.length - tail.length).fill(0), ...tail];
}

/**
 * For `request({ guard })`: refuses addresses that {@link isRefused} names, however they are spelled and whatever name resolves
 * to them, at the moment of connecting. Behind a proxy it is the proxy that connects: then the name is judged by what it resolves
 * to here, where it does.
 */
export async function guard(url: URL): Promise<LookupFunction> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0) {
    if (isRefused(host)) throw refusal(host, host);
  } else {
    const found = await dns.promises.lookup(host, { all: true }).catch(() => []);
    for (const { address } of found) if (isRefused(address)) throw refusal(host, address);
  }
  return (hostname, options, done) => {
    dns.lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return done(error, '', 0);
      // Another name than the URL's is the proxy's, which an administrator has chosen.
      const bad = hostname === host ? addresses.find(({ address }) => isRefused(address)) : undefined;
      const [first] = addresses;
      if (bad !== undefined || first === undefined) return done(refusal(hostname, bad?.address ?? 'nothing'), '', 0);
      if (options.all === true) done(null, addresses);
      else done(null, first.address, first.family);
    });
  };
}

function refusal(host: string, address: string) {
  const shown = host === address ? host : `${host} (${address})`;
  return invalid(`requests to ${shown} are not allowed: it is a loopback, link-local or metadata address`, {
    hint: 'Where it is meant, allow private addresses (--allow-private-addresses).',
  });
}
