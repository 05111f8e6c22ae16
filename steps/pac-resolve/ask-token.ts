import { invalid } from '../../runtime/errors.ts';

/**
 * Asks a person for a token, which is not shown as it is typed; `undefined` where they give none.
 * @throws SubpipeError `INVALID` where there is no terminal to ask at.
 */
export async function askToken(signal: AbortSignal): Promise<string | undefined> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) {
    throw invalid('the files use git_auth_secret, but there is no token for it, and no terminal to ask at', {
      hint: 'Give one with -t or PAC_PROVIDER_TOKEN, or leave the Secret out with --no-secret.',
    });
  }
  stderr.write('The files use git_auth_secret. Token for the Secret that the Task git-clone reads (empty for none): ');
  stdin.setRawMode(true);
  let typed = '';
  try {
    for await (const chunk of stdin.iterator({ destroyOnReturn: false })) {
      signal.throwIfAborted();
      for (const character of String(chunk)) {
        if (character === '\r' || character === '\n') return typed === '' ? undefined : typed;
        if (character === '\u0003') throw invalid('cancelled');
        typed = character === '\u007f' ? typed.slice(0, -1) : typed + character;
      }
    }
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
  return undefined;
}
