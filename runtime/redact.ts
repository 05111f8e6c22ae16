const secrets = new Set<string>();

/**
 * Registers a secret (a token, a password): from now on no log line and no error shows it.
 * Values shorter than 6 characters are not registered, because removing them would garble ordinary text.
 */
export function addSecret(value: string): void {
  if (value.length >= 6) secrets.add(value);
}

/** `text` without registered secrets, credentials in URLs and `Authorization` values. */
export function redact(text: string): string {
  let clean = text;
  // A secret may contain another: the longest goes first, or its rest would stay.
  for (const secret of [...secrets].sort((a, b) => b.length - a.length)) clean = clean.replaceAll(secret, '***');
  return clean
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@:]+(?::[^\s/@]*)?@/gi, '$1***@')
    .replace(/\b(authorization\s*[:=]\s*(?:bearer|basic)\s+)\S+/gi, '$1***');
}
