import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { formatYaml } from '../../../runtime/yaml.ts';

const run = promisify(execFile);

/** A Task as catalogues have them: some params, a workspace, results, two steps, one with a script. */
export function taskText(name: string): string {
  const param = (of: string) => ({
    name: of,
    type: 'string',
    description: `What is used as ${of}.`,
    default: `a ${of}`,
  });
  return formatYaml({
    apiVersion: 'tekton.dev/v1',
    kind: 'Task',
    metadata: {
      name,
      labels: { 'app.kubernetes.io/version': '0.4' },
      annotations: { 'tekton.dev/pipelines.minVersion': '0.50.0', 'tekton.dev/tags': 'build, test, image' },
    },
    spec: {
      description: `Does the work that is called ${name}.\nIt takes its sources from the workspace and leaves a digest.\n`,
      params: ['image', 'context', 'flags', 'registry', 'revision', 'verbose'].map(param),
      workspaces: [
        { name: 'source', description: 'The sources.' },
        { name: 'cache', optional: true },
      ],
      results: [
        { name: 'digest', description: 'Digest of what was made.' },
        { name: 'url', description: 'Where it is.' },
      ],
      stepTemplate: { env: [{ name: 'HOME', value: '/tekton/home' }] },
      steps: [
        {
          name: 'prepare',
          image: 'registry.example.com/tools/prepare:1.2',
          workingDir: '$(workspaces.source.path)',
          command: ['prepare'],
          args: ['--context=$(params.context)', '--revision=$(params.revision)', '--verbose=$(params.verbose)'],
          computeResources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '256Mi' } },
        },
        {
          name: 'work',
          image: '$(params.image)',
          workingDir: '$(workspaces.source.path)',
          env: [
            { name: 'REGISTRY', value: '$(params.registry)' },
            { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'token', key: 'token', optional: true } } },
          ],
          securityContext: { runAsNonRoot: true, allowPrivilegeEscalation: false },
          script: `#!/bin/sh\nset -eu\nif [ "$(params.verbose)" = "true" ]; then\n  set -x\nfi\nmake ${name} FLAGS="$(params.flags)" > log.txt\nsha256sum out | cut -d ' ' -f 1 > "$(results.digest.path)"\nprintf '%s/%s' "$REGISTRY" ${name} > "$(results.url.path)"\n`,
        },
      ],
    },
  });
}

/** A PipelineRun that runs Tasks by name, with variables of Pipelines-as-Code. */
export function runText(tasks: readonly string[], annotations: Record<string, string> = {}): string {
  return formatYaml({
    apiVersion: 'tekton.dev/v1',
    kind: 'PipelineRun',
    metadata: {
      name: 'on-push',
      annotations: {
        'pipelinesascode.tekton.dev/on-event': '[push]',
        'pipelinesascode.tekton.dev/on-target-branch': '[main]',
        ...annotations,
      },
    },
    spec: {
      params: ['repo_url', 'revision'].map((name) => ({ name, value: `{{ ${name} }}` })),
      pipelineSpec: {
        params: ['repo_url', 'revision'].map((name) => ({ name })),
        workspaces: [{ name: 'source' }],
        tasks: tasks.map((name) => ({
          name,
          taskRef: { name },
          params: [{ name: 'revision', value: '$(params.revision)' }],
          workspaces: [{ name: 'source', workspace: 'source' }],
        })),
      },
      workspaces: [{ name: 'source', emptyDir: {} }],
    },
  });
}

/** A git repository with one commit and a remote, which both programs ask for their variables. */
export async function makeRepository(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
  const git = (...args: string[]) =>
    run('git', ['-c', 'user.name=bench', '-c', 'user.email=bench@example.com', '-C', folder, ...args]);
  await git('init', '--quiet', '--initial-branch=main');
  await git('remote', 'add', 'origin', 'https://git.example.com/owner/name');
  await git('add', '--all');
  await git('commit', '--quiet', '--message=One commit');
}
