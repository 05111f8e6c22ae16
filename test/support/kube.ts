import { KubeClient } from '../../runtime/kube/client.ts';
import type { FakeKube } from '../fakes/kube.ts';
import { type Folder, makeFolder } from './folder.ts';

/** A client of the fake server, by a kubeconfig in a folder of its own. */
export interface TestClient extends AsyncDisposable {
  client: KubeClient;
  kubeconfig: string;
  folder: Folder;
}

export async function clientOf(kube: FakeKube, user: Record<string, unknown> = {}): Promise<TestClient> {
  const folder = await makeFolder();
  const kubeconfig = await folder.write('kubeconfig', kube.kubeconfig({ user }));
  return {
    client: new KubeClient({ env: {}, kubeconfig }),
    kubeconfig,
    folder,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
