/**
 * Text that may have come from elsewhere (a registry's error, the name of a tag), for a terminal or a log: `\xNN` for
 * control characters, but for tabs and ends of lines.
 */
export function plain(text: string): string {
  return text.replace(/(?!\t|\r?\n)\p{Cc}/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
