import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { extract, pack } from 'tar-stream';
import { containerdSocket } from './components.ts';
import { ClusterError, codeOf } from './errors.ts';
import { runInside, type Sandbox } from './sandbox.ts';

/**
 * Loads the images of an OCI layout, a folder or a tar file, into the cluster's containerd.
 * @returns the names by which pods can use them
 * @throws ClusterError where it is no layout, or its images have no names
 */
export async function load(sandbox: Sandbox, path: string, signal?: AbortSignal): Promise<string[]> {
  const info = await stat(path).catch((cause: unknown) => {
    throw new ClusterError(
      `${path} cannot be read (${codeOf(cause) ?? 'no reason given'}): "load" takes an OCI layout, a folder or a tar file.`,
      {
        exitCode: 2,
      },
    );
  });
  const tar = pack();
  const names: string[] = [];
  const fill = info.isDirectory() ? fillFromFolder : fillFromTar;
  await runInside(sandbox, ['ctr', '--address', containerdSocket, '--namespace', 'k8s.io', 'images', 'import', '-'], {
    signal,
    feed: async (stdin) => {
      await Promise.all([pipeline(tar, stdin), fill(tar, path, names)]);
    },
  });
  return names;
}

type Tar = ReturnType<typeof pack>;

async function fillFromFolder(tar: Tar, folder: string, names: string[]): Promise<void> {
  const index = await readFile(join(folder, 'index.json'), 'utf8').catch(() => {
    throw new ClusterError(`${folder} holds no index.json: "load" takes an OCI layout.`, { exitCode: 2 });
  });
  tar.entry({ name: 'oci-layout' }, JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  tar.entry({ name: 'index.json' }, named(index, names));
  const blobs = join(folder, 'blobs/sha256');
  for (const name of await readdir(blobs)) {
    const { size } = await stat(join(blobs, name));
    await pipeline(createReadStream(join(blobs, name)), tar.entry({ name: `blobs/sha256/${name}`, size }));
  }
  tar.finalize();
}

async function fillFromTar(tar: Tar, file: string, names: string[]): Promise<void> {
  const entries = extract();
  const reading = pipeline(createReadStream(file), entries);
  for await (const entry of entries) {
    if (entry.header.name.replace(/^\.\//, '') === 'index.json') {
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(Buffer.from(chunk as Uint8Array));
      tar.entry({ name: 'index.json' }, named(Buffer.concat(chunks).toString(), names));
    } else if (entry.header.type === 'file') {
      await pipeline(entry, tar.entry(entry.header));
    } else {
      entry.resume();
    }
  }
  await reading;
  tar.finalize();
}

/** Gives each image of an index the full name that containerd goes by, and lists the names. */
export function named(indexJson: string, names: string[]): string {
  const index = JSON.parse(indexJson) as { manifests?: { annotations?: Record<string, string> }[] };
  for (const manifest of index.manifests ?? []) {
    const given =
      manifest.annotations?.['io.containerd.image.name'] ?? manifest.annotations?.['org.opencontainers.image.ref.name'];
    if (given === undefined || !/[/:]/.test(given)) {
      throw new ClusterError(
        `An image of the layout is named ${given === undefined ? 'by nothing' : `"${given}" only`}: its annotation io.containerd.image.name or org.opencontainers.image.ref.name should give a name like localhost/tool:1.`,
        { exitCode: 2 },
      );
    }
    const name = fullName(given);
    manifest.annotations = { ...manifest.annotations, 'io.containerd.image.name': name };
    names.push(name);
  }
  return JSON.stringify(index);
}

/** `busybox` is docker.io/library/busybox:latest to containerd and kubelet. */
export function fullName(name: string): string {
  const [first = '', ...rest] = name.split('/');
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  const repository = hasHost ? name : rest.length > 0 ? `docker.io/${name}` : `docker.io/library/${name}`;
  return /[:@][^/]*$/.test(repository.slice(repository.lastIndexOf('/'))) ? repository : `${repository}:latest`;
}
