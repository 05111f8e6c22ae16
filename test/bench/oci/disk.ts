import { mkdir, rm, statfs, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../cluster/process.ts';

/** A file system that nothing was written to before. */
export interface Disk extends AsyncDisposable {
  path: string;
}

export interface Disks {
  /** For people. */
  kind: string;
  fresh(): Promise<Disk>;
}

const memory = '/dev/shm';
const roomInMemory = 6 * 2 ** 30;

/**
 * Fresh disks, one for each measurement that writes a tree: ext4 after a large `rm -rf` is ten times slower. An ext4 image
 * on a loop device, in memory where there is room, so that what one measurement wrote does not slow the next; where
 * loop devices are not to be had, a tmpfs.
 */
export async function openDisks(folder: string, signal: AbortSignal): Promise<Disks> {
  const shared = await statfs(memory).catch(() => undefined);
  const inMemory = shared !== undefined && shared.bavail * shared.bsize > roomInMemory;
  const images = inMemory ? memory : folder;
  let count = 0;
  const mount = async (how: (image: string, path: string) => Promise<void>): Promise<Disk> => {
    count++;
    const path = join(folder, `disk-${count}`);
    const image = join(images, `subpipe-bench-${process.pid}-${count}.img`);
    await mkdir(path);
    try {
      await how(image, path);
    } catch (error) {
      await rm(image, { force: true });
      throw error;
    }
    return {
      path,
      async [Symbol.asyncDispose]() {
        // Not with the bench's signal: what is mounted is to go also when the bench was stopped.
        await run('umount', [path], {});
        await rm(image, { force: true });
      },
    };
  };
  const ext4 = (): Promise<Disk> =>
    mount(async (image, path) => {
      await writeFile(image, '');
      await truncate(image, 8 * 2 ** 30);
      await run('mkfs.ext4', ['-q', '-F', '-m', '0', image], { signal });
      await run('mount', ['-o', 'loop,noatime', image, path], { signal });
    });
  const tmpfs = (): Promise<Disk> =>
    mount((_image, path) => run('mount', ['-t', 'tmpfs', 'subpipe-bench', path], { signal }).then(() => {}));
  try {
    await using _ = await ext4();
    return { kind: `a fresh ext4 on a loop device${inMemory ? ', in memory' : ''}`, fresh: ext4 };
  } catch {
    signal.throwIfAborted();
    return { kind: 'a fresh tmpfs', fresh: tmpfs };
  }
}
