import { connect, eventually } from './api.ts';
import { ClusterError } from './errors.ts';
import { childrenOf, identify, isAlive, kill } from './process.ts';
import type { Progress } from './progress.ts';
import { readRecord, writeRecord } from './record.ts';
import { filesOf, type Settings } from './settings.ts';
import { startComponent } from './start.ts';

/** Kills the API server and starts it again, as a test of what must survive that. */
export async function restartApiserver(settings: Settings, progress: Progress, signal: AbortSignal): Promise<void> {
  const path = filesOf(settings.state).record;
  const record = await readRecord(path);
  const helper = record?.components.apiserver;
  if (record?.init === undefined || helper === undefined || !(await isAlive(record.init))) {
    throw new ClusterError('No cluster is up, so that there is no API server to restart: run "npm run cluster -- up".');
  }
  const init = record.init;
  await progress.stage('API server restarted', async () => {
    // The record names nsenter, which waits for the server itself.
    const server = await Promise.all((await childrenOf(helper.pid)).map(identify));
    for (const identity of server) if (identity !== undefined) await kill(identity);
    await startComponent({ init, settings }, 'apiserver', record);
    await writeRecord(path, record);
    const api = await connect(settings.state, settings.network);
    try {
      await eventually('The API server', 60, signal, () => api.get('/readyz'));
    } finally {
      api.close();
    }
  });
}
