import { join } from 'node:path';
import process from 'node:process';
import type { Command } from './measure.ts';
import type { Programs } from './programs.ts';

/** One push or pull. */
export interface Job {
  /** `HOST/REPOSITORY`, which nobody else uses. */
  repository: string;
  /** The corpus, or where it is to be. */
  folder: string;
  /** An empty folder on the fresh disk, for what a tool keeps on the side. */
  scratch: string;
}

/** A way to hand a folder on through a registry. */
export interface Tool {
  name: string;
  push(job: Job): Command;
  /** @param digest of the blob with the content: what {@link blobOf} finds, for tools that go by it. */
  pull(job: Job, digest: string): Command;
}

const tag = 'v1';

/** A script with its values as environment: no value is ever part of the script. */
function shell(script: string, env: Record<string, string>): Command {
  return { argv: ['bash', '-euo', 'pipefail', '-c', script], env: { ...process.env, ...env } };
}

function variables({ repository, folder, scratch }: Job): Record<string, string> {
  const [host = '', ...path] = repository.split('/');
  const name = path.join('/');
  return {
    IMAGE: `${repository}:${tag}`,
    REPOSITORY: repository,
    API: `http://${host}/v2/${name}`,
    FOLDER: folder,
    SCRATCH: scratch,
  };
}

/** All that are measured. The first is ours. */
export function toolsOf({ push, pull, oras, crane }: Programs): [Tool, ...Tool[]] {
  const own = (scratch: string) => `--state-folder=${join(scratch, 'state')}`;
  return [
    {
      name: 'ours',
      push: ({ repository, folder, scratch }) => ({
        argv: [...push, `--folder=${folder}`, `--target=${repository}:${tag}`, own(scratch)],
      }),
      pull: ({ repository, folder, scratch }) => ({
        argv: [...pull, `--folder=${folder}`, own(scratch), '--', `${repository}:${tag}`],
      }),
    },
    {
      name: konflux,
      // As build-trusted-artifacts: create-archive.sh and use-archive.sh.
      push: (job) =>
        shell(
          'tar -czf "$SCRATCH/source" -C "$FOLDER" . && cd "$SCRATCH" && "$ORAS" push --plain-http --no-tty "$IMAGE" source',
          {
            ...variables(job),
            ORAS: oras,
          },
        ),
      pull: (job, digest) =>
        shell(
          'mkdir "$FOLDER" && "$ORAS" blob fetch --plain-http "$REPOSITORY@$DIGEST" --output - | tar -xzp -C "$FOLDER"',
          {
            ...variables(job),
            ORAS: oras,
            DIGEST: digest,
          },
        ),
    },
    {
      name: 'oras push DIR, oras pull',
      push: (job) =>
        shell('cd "$FOLDER/.." && TMPDIR="$SCRATCH" "$ORAS" push --plain-http --no-tty "$IMAGE" "./${FOLDER##*/}"', {
          ...variables(job),
          ORAS: oras,
        }),
      pull: (job) =>
        shell('"$ORAS" pull --plain-http --no-tty -o "$FOLDER" "$IMAGE"', { ...variables(job), ORAS: oras }),
    },
    {
      name: craneName,
      push: (job) =>
        shell('tar -cf - -C "$FOLDER" . | "$CRANE" append --insecure -f /dev/stdin -t "$IMAGE"', {
          ...variables(job),
          CRANE: crane,
        }),
      pull: (job) =>
        shell('mkdir "$FOLDER" && "$CRANE" export --insecure "$IMAGE" - | tar -xp -C "$FOLDER"', {
          ...variables(job),
          CRANE: crane,
        }),
    },
    {
      name: 'floor: tar, zstd -1 -T0, sha256, curl',
      push: (job) =>
        shell(
          `tar -cf - -C "$FOLDER" . | zstd -q -1 -T0 -o "$SCRATCH/a"
           digest=$(sha256sum "$SCRATCH/a" | cut -d ' ' -f 1)
           place=$(curl -sf -D - -o /dev/null -X POST "$API/blobs/uploads/" | tr -d '\\r' | sed -n 's/^[Ll]ocation: //p')
           curl -sf -T "$SCRATCH/a" -H 'Content-Type: application/octet-stream' "$place&digest=sha256:$digest"
           echo "sha256:$digest"`,
          variables(job),
        ),
      pull: (job, digest) =>
        shell(
          `mkdir "$FOLDER"; curl -sfL -o "$SCRATCH/a" "$API/blobs/$DIGEST"
           echo "\${DIGEST#sha256:}  $SCRATCH/a" | sha256sum -c --quiet
           zstd -dcq "$SCRATCH/a" | tar -xp -C "$FOLDER"`,
          { ...variables(job), DIGEST: digest },
        ),
    },
  ];
}

export const konflux = "Konflux's way";
export const craneName = 'crane append, crane export';
