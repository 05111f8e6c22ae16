import type { Fields } from '../../../../runtime/shape.ts';
import type { Random } from './random.ts';
import { scriptOf, textOf } from './text.ts';

export type Version = 'v1' | 'v1beta1';

/** A Task; `mark` is in its first step's image, so that it is known again among others of its name. */
export function taskObject(random: Random, name: string, mark: string, version: Version): Fields {
  return {
    apiVersion: `tekton.dev/${version}`,
    kind: 'Task',
    metadata: { name, ...metadata(random) },
    spec: taskSpec(random, mark, version),
  };
}

/** Labels and annotations, or neither. */
export function metadata(random: Random): Fields {
  return {
    ...random.maybe(0.2, () => ({
      labels: { 'app.kubernetes.io/version': random.pick(['0.1', '0.10', 'yes']), l: 'v' },
    })),
    ...random.maybe(0.2, () => ({ annotations: { 'tekton.dev/displayName': textOf(random), note: textOf(random) } })),
  };
}

export function taskSpec(random: Random, mark: string, version: Version): Fields {
  return {
    ...random.maybe(0.2, () => ({ description: textOf(random) || 'd' })),
    ...random.maybe(0.1, () => ({ displayName: textOf(random) || 'd' })),
    ...random.maybe(0.5, () => ({ params: paramSpecs(random) })),
    ...random.maybe(0.3, () => ({ workspaces: workspaces(random) })),
    ...random.maybe(0.3, () => ({ results: results(random) })),
    ...random.maybe(0.2, () => ({ volumes: volumes(random) })),
    ...random.maybe(0.1, () => ({ stepTemplate: { env: env(random), ...resources(random, version) } })),
    ...random.maybe(0.1, () => ({
      sidecars: [{ name: 'side', image: textOf(random) || 'i', ...resources(random, version) }],
    })),
    steps: random.many(1, 3, (index) => step(random, index === 0 ? mark : 'busybox', version)),
  };
}

function step(random: Random, image: string, version: Version): Fields {
  if (random.chance(0.05)) return { name: 'shared', ref: { name: 'an-action' } };
  return {
    ...random.maybe(0.8, () => ({ name: random.pick(['say', 'run', 'clean']) })),
    image,
    ...random.maybe(0.7, () => ({ script: scriptOf(random) })),
    ...random.maybe(0.2, () => ({ command: ['sh', '-c'], args: [textOf(random), textOf(random)] })),
    ...random.maybe(0.3, () => ({ env: env(random) })),
    ...random.maybe(0.1, () => ({ workingDir: '$(workspaces.source.path)' })),
    ...random.maybe(0.1, () => ({ onError: 'continue' })),
    ...random.maybe(0.1, () => ({ timeout: random.pick(['10s', '90m', '1h30m', '36h']) })),
    ...random.maybe(0.1, () => ({ volumeMounts: [{ name: 'v', mountPath: '/v' }] })),
    ...random.maybe(0.1, () => ({
      securityContext: { runAsUser: 1000, runAsNonRoot: true, allowPrivilegeEscalation: false },
    })),
    ...random.maybe(0.1, () => ({ imagePullPolicy: 'Always' })),
    ...resources(random, version),
  };
}

function resources(random: Random, version: Version): Fields {
  if (random.chance(0.8)) return {};
  const amounts = { limits: { cpu: random.pick(['100m', '2']), memory: '1Gi' }, requests: { memory: '64Mi' } };
  return version === 'v1' ? { computeResources: amounts } : { resources: amounts };
}

function env(random: Random): Fields[] {
  return random.many(1, 2, (index) =>
    random.chance(0.7)
      ? { name: `E${index}`, value: textOf(random) || 'v' }
      : { name: `E${index}`, valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
  );
}

export function paramSpecs(random: Random): Fields[] {
  return random.many(1, 3, (index) => {
    const name = `p${index}`;
    const description = random.maybe(0.2, () => ({ description: textOf(random) || 'd' }));
    switch (random.below(5)) {
      case 0:
        return { name, type: 'string', default: textOf(random), ...description };
      case 1:
        return {
          name,
          type: 'array',
          ...random.maybe(0.5, () => ({ default: [textOf(random), textOf(random)] })),
          ...description,
        };
      case 2:
        return {
          name,
          type: 'object',
          properties: { k: { type: 'string' } },
          ...random.maybe(0.5, () => ({ default: { k: textOf(random) } })),
        };
      case 3:
        return { name, type: 'string', enum: ['one', 'two'], default: 'one' };
      default:
        return { name, ...random.maybe(0.5, () => ({ default: textOf(random) })), ...description };
    }
  });
}

export function params(random: Random): Fields[] {
  return random.many(1, 3, (index) => ({
    name: `p${index}`,
    value: random.pick([() => textOf(random), () => [textOf(random), textOf(random)], () => ({ k: textOf(random) })])(),
  }));
}

function workspaces(random: Random): Fields[] {
  return [
    {
      name: 'source',
      ...random.maybe(0.3, () => ({ optional: true })),
      ...random.maybe(0.3, () => ({ mountPath: '/src', readOnly: true })),
    },
  ];
}

function results(random: Random): Fields[] {
  return [{ name: 'out', ...random.maybe(0.5, () => ({ type: 'string', description: textOf(random) || 'd' })) }];
}

function volumes(random: Random): Fields[] {
  return [
    {
      name: 'v',
      ...random.pick([
        { emptyDir: {} },
        { emptyDir: { medium: 'Memory' } },
        { secret: { secretName: 's' } },
        { configMap: { name: 'c' } },
      ]),
    },
  ];
}
