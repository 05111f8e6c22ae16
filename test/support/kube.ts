import { KubeClient } from '../../runtime/kube/client.ts';
import type { FakeKube } from '../fakes/kube.ts';
import { type Folder, makeFolder } from './folder.ts';

/** A client of the fake server, by a kubeconfig in a folder of its own. */
export interface TestClient extends AsyncDisposable {
  client: KubeClient;
  kubeconfig: string;
  folder: Folder;
  /** Aborts at the end, so that what a failed test left waiting does not keep its process. */
  signal: AbortSignal;
}

export async function clientOf(kube: FakeKube, user: Record<string, unknown> = {}): Promise<TestClient> {
  const folder = await makeFolder();
  const end = new AbortController();
  const kubeconfig = await folder.write('kubeconfig', kube.kubeconfig({ user }));
  return {
    client: new KubeClient({ env: {}, kubeconfig }),
    kubeconfig,
    folder,
    signal: end.signal,
    async [Symbol.asyncDispose]() {
      end.abort(new Error('the test has ended'));
      await folder[Symbol.asyncDispose]();
    },
  };
}
