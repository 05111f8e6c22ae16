import { addSecret } from '../../redact.ts';

const secretName = /token|secret|passw|signature|credential|api[-_]?key|^(?:sig|key|jwt|auth)$/i;

/**
 * A URL as it may be shown, stored and locked: without user, password, fragment and query parameters that carry secrets
 * (the `?token=` of a private raw URL changes by the hour, and is one). What is left out is no longer shown anywhere.
 */
export function publicUrl(input: string | URL): string {
  const url = new URL(input);
  for (const part of [url.username, url.password]) if (part !== '') addSecret(safeDecode(part));
  if (url.password !== '') addSecret(url.password);
  url.username = '';
  url.password = '';
  url.hash = '';
  // The text is edited and not the parsed query: writing that again would respell what is not ours (%2F, +).
  const kept = url.search
    .slice(1)
    .split('&')
    .filter((pair) => !isSecret(pair));
  url.search = kept.join('&');
  return url.href;
}

function isSecret(pair: string): boolean {
  const [name = '', value = ''] = pair.split('=', 2);
  if (pair === '' || !secretName.test(safeDecode(name))) return pair === '';
  addSecret(value);
  addSecret(safeDecode(value));
  return true;
}

/** Percent-decoded, or as it came where that is not possible. */
export function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
