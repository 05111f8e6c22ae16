import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { copy } from '../../../runtime/oci/copy.ts';
import { Layout } from '../../../runtime/oci/layout.ts';
import { parseName } from '../../../runtime/oci/name.ts';
import { Registry } from '../../../runtime/oci/registry.ts';
import { fieldsOf, isFields, listOf, textOf } from '../../../runtime/shape.ts';
import { gitFiles } from '../../cluster/git.ts';
import { writeLayout } from '../../cluster/image.ts';
import { run } from '../../cluster/process.ts';
import { findProgram } from '../../cluster/requirements.ts';

/**
 * Pushes an image with a shell and git, made of this machine's, over HTTP.
 * @param scripts Shell scripts by their path in the image.
 */
export async function pushGitImage(reference: string, scripts: Record<string, string>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'subpipe-git-image-'));
  try {
    const busybox = (await findProgram('busybox', process.env)) ?? '/usr/bin/busybox';
    const applets = (await run(busybox, ['--list'])).split('\n').filter((name) => name !== '' && name !== 'busybox');
    const files = Object.entries(scripts).map(async ([at, text], index) => {
      const source = path.join(folder, `script-${index}`);
      await writeFile(source, `#!/bin/sh\nset -e\n${text}\n`);
      await chmod(source, 0o755);
      return { path: at, source };
    });
    await writeLayout(path.join(folder, 'layout'), [
      {
        name: 'git',
        entrypoint: ['/bin/sh'],
        files: [
          { path: 'bin/busybox', source: busybox },
          ...applets.map((name) => ({ path: `bin/${name}`, link: 'busybox' })),
          ...(await gitFiles()),
          ...(await Promise.all(files)),
        ],
      },
    ]);
    const name = parseName(reference);
    const layout = await Layout.open(path.join(folder, 'layout'));
    // It is named as containerd wants it, which is no tag.
    const index: unknown = JSON.parse(await readFile(path.join(folder, 'layout/index.json'), 'utf8'));
    const manifests = isFields(index) ? listOf(index.manifests, 'manifests') : [];
    const digest = textOf(fieldsOf(manifests[0], 'the manifest').digest, 'its digest');
    const to = await Registry.open(name, { plainHttp: true });
    await copy(layout, to, digest, { tag: name.tag ?? 'latest' });
  } finally {
    await rm(folder, { recursive: true });
  }
}
