import type { Progress } from './progress.ts';
import { readRecord } from './record.ts';
import { destroySandbox } from './sandbox.ts';
import { filesOf, type Settings } from './settings.ts';
import { clearState } from './state.ts';

/** Ends the cluster and removes all of its files but the logs. Does no harm where there is none. */
export async function down(settings: Settings, progress: Progress): Promise<void> {
  const record = await readRecord(filesOf(settings.state).record);
  await progress.stage('the cluster is down', async () => {
    await destroySandbox(settings, record?.init);
    await clearState(settings.state);
  });
}
