import { join } from 'node:path';
import process from 'node:process';
import { exitCodeOf, explain, SubpipeError } from '../runtime/errors.ts';
import { writeArchive } from './archive.ts';
import { buildImages } from './build-images.ts';
import { help, parseImageFlags } from './flags.ts';
import { pushImages } from './push.ts';
import { sizeTable } from './table.ts';

/** `npm run images`: see {@link help}. @returns the exit code. */
export async function imagesCommand(argv: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const stop = new AbortController();
  const onSignal = () => stop.abort(new SubpipeError('ABORTED', 'stopped by a signal'));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    const flags = await parseImageFlags(argv, env);
    if (flags === 'help') {
      process.stdout.write(help);
      return 0;
    }
    const { layout, images } = await buildImages(flags, { signal: stop.signal });
    if (flags.tar) {
      for (const { name, descriptor } of images)
        await writeArchive(layout, descriptor, join(flags.output, `${name}.tar`));
    }
    const { push: prefix, tag, plainHttp } = flags;
    const pushed =
      prefix === undefined
        ? new Map<string, string>()
        : await pushImages(layout, images, { prefix, tag, plainHttp, signal: stop.signal });
    process.stderr.write(sizeTable(images));
    for (const { name, descriptor } of images) {
      process.stdout.write(`${name} ${pushed.get(name) ?? `oci:${flags.output}@${descriptor.digest}`}\n`);
    }
    return 0;
  } catch (error) {
    process.stderr.write(`images: ${explain(error)}\n`);
    return exitCodeOf(error);
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}
