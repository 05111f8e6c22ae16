import { invalid } from '../runtime/errors.ts';
import { KubeClient } from '../runtime/kube/client.ts';
import type { Flag, Given } from './flags.ts';
import type { Output } from './output.ts';

/** What a subcommand is given when it runs. */
export interface CommandContext {
  /** The words that belong to no flag. */
  words: readonly string[];
  flags: Given;
  env: NodeJS.ProcessEnv;
  /** Aborts on SIGINT and SIGTERM. */
  signal: AbortSignal;
  stdin: () => Promise<string>;
  stdout: Output;
  stderr: Output;
}

/** One subcommand of `subpipe`. */
export interface Command {
  name: string;
  /** One sentence. */
  summary: string;
  /** What follows the name, as in `stub PIPELINE [flags]`. */
  usage: string;
  /** Paragraphs and examples for `--help`. */
  description: string;
  flags: readonly Flag[];
  /** Gives the exit code. @throws SubpipeError, whose code says which it is. */
  run(context: CommandContext): Promise<number>;
}

/** Flags of commands that talk to Kubernetes. */
export const kubeFlags: readonly Flag[] = [
  { name: 'namespace', short: 'n', form: 'NAME', description: "Namespace. Default: the kubeconfig context's." },
  { name: 'kubeconfig', form: 'FILE', description: 'Default: KUBECONFIG, then ~/.kube/config.' },
  { name: 'context', form: 'NAME', description: 'Context of the kubeconfig.' },
];

export function kubeOf({ flags, env }: CommandContext): KubeClient {
  return new KubeClient({ env, kubeconfig: flags.text('kubeconfig'), context: flags.text('context') });
}

/** The namespace of `-n`, or the context's. */
export async function namespaceOf({ flags }: CommandContext, kube: KubeClient): Promise<string> {
  return flags.text('namespace') ?? (await kube.config()).namespace;
}

/** The one word that a command takes, if it came. @throws SubpipeError `INVALID` where there are more. */
export function oneWord({ words }: CommandContext, what: string): string | undefined {
  const [first, second] = words;
  if (second !== undefined) throw invalid(`expected one ${what}, but ${words.length} words came: ${words.join(' ')}`);
  return first;
}
