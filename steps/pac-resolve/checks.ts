import { SubpipeError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { Finding, ResolvedRun } from '../../runtime/resolve/resolved.ts';

/** `--validate`: Tekton's rules and the API server's limits. @throws SubpipeError `FAILED` with all findings. */
export async function checkRuns(runs: readonly ResolvedRun[], log: Log): Promise<void> {
  const [{ validate }, { sizeOf }] = await Promise.all([
    import('../../runtime/resolve/check/validate.ts'),
    import('../../runtime/resolve/check/size.ts'),
  ]);
  const findings = await Promise.all(runs.flatMap((run) => [validate(run), sizeOf(run).then((size) => size.findings)]));
  tell(findings.flat(), 'the result is not valid', log);
}

/** Before runs are created: what the API server has no room for. @throws SubpipeError `FAILED` with what takes it. */
export async function checkSizes(runs: readonly ResolvedRun[], log: Log): Promise<void> {
  const { sizeOf } = await import('../../runtime/resolve/check/size.ts');
  const sizes = await Promise.all(runs.map(sizeOf));
  tell(
    sizes.flatMap(({ findings }) => findings),
    'the result is too large',
    log,
  );
}

function tell(findings: readonly Finding[], failure: string, log: Log): void {
  const lines = (some: readonly Finding[]) => [
    ...new Set(some.map(({ severity, where, message }) => `${where}: ${severity}: ${message}`)),
  ];
  if (findings.some(({ severity }) => severity === 'error')) {
    throw new SubpipeError('FAILED', `${failure}:\n${lines(findings).join('\n')}`);
  }
  for (const line of lines(findings)) log.warn(line);
}
