import { on } from 'node:events';
import { invalid } from '../../runtime/errors.ts';

/** What a prompt needs of a terminal. */
export interface Terminal {
  stdin: NodeJS.EventEmitter & {
    isTTY: boolean;
    setRawMode(mode: boolean): unknown;
    pause(): unknown;
    resume(): unknown;
  };
  stderr: { write(text: string): unknown };
}

/**
 * Asks a person for a token, which is not shown as it is typed; `undefined` where they give none.
 * @throws SubpipeError `INVALID` where there is no terminal to ask at, or on Ctrl-C; the signal's reason when aborted.
 */
export async function askToken(signal: AbortSignal, terminal: Terminal = process): Promise<string | undefined> {
  const { stdin, stderr } = terminal;
  if (!stdin.isTTY) {
    throw invalid('the files use git_auth_secret, but there is no token for it, and no terminal to ask at', {
      hint: 'Give one with -t or PAC_PROVIDER_TOKEN, or leave the Secret out with --no-secret.',
    });
  }
  // Before the question: what is typed at once must not be shown either.
  stdin.setRawMode(true);
  stderr.write('The files use git_auth_secret. Token for the Secret that the Task git-clone reads (empty for none): ');
  let typed = '';
  try {
    const typing = on(stdin, 'data', { signal, close: ['end'] });
    stdin.resume();
    for await (const [chunk] of typing) {
      for (const character of String(chunk)) {
        if (character === '\r' || character === '\n') return typed === '' ? undefined : typed;
        // Ctrl-C and Ctrl-D: in raw mode they are characters.
        if (character === '\u0003' || (character === '\u0004' && typed === '')) throw invalid('cancelled');
        typed = /[\u007f\b]/.test(character) ? typed.slice(0, -1) : typed + character;
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
  return undefined;
}
