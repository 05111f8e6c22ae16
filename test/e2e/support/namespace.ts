import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import type { KubeObject, Resource } from '../../../runtime/kube/resource.ts';
import { rbacOf, stepActionOf, taskOf } from '../../../runtime/manifest.ts';
import { steps } from '../../../steps/index.ts';
import { apply } from './apply.ts';
import { context, kube } from './context.ts';

const namespaces: Resource = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace' };

/**
 * A namespace for one test, with our Tasks and StepActions and with each step's service account, which may do what its
 * generated Role says and nothing more. It goes with the test, unless the test failed and KEEP_NAMESPACES is set.
 */
export async function testNamespace(t: TestContext, label: string): Promise<string> {
  const name = `e2e-${label}-${randomBytes(3).toString('hex')}`;
  await kube.create<KubeObject>(namespaces, '', { metadata: { name } });
  t.after(async () => {
    if (process.env.KEEP_NAMESPACES === undefined) await kube.delete(namespaces, '', name);
  });
  await apply(
    name,
    ...steps.flatMap((step) => [
      taskOf(step, imageOf(step.name)),
      stepActionOf(step, imageOf(step.name)),
      ...rbacOf(step),
    ]),
  );
  return name;
}

/** A namespace that has nothing: what a README says is to be enough. */
export async function emptyNamespace(t: TestContext): Promise<string> {
  const name = `e2e-example-${randomBytes(3).toString('hex')}`;
  await kube.create<KubeObject>(namespaces, '', { metadata: { name } });
  t.after(() => kube.delete(namespaces, '', name));
  return name;
}

function imageOf(name: string): { image: string } {
  return { image: `${context.imagePrefix}/${name}:${context.imageTag}` };
}
