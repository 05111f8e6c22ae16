import assert from 'node:assert/strict';
import { test } from 'node:test';
import { annotationsLimit, objectLimit, sizeOf } from '../../runtime/resolve/check/size.ts';
import { resolvedRuns } from './support/resolved.ts';

async function runOf(script: number, annotation = 1) {
  const [run] = await resolvedRuns(`apiVersion: tekton.dev/v1
kind: PipelineRun
metadata:
  name: r
  annotations:
    note: "${'a'.repeat(annotation)}"
spec:
  pipelineSpec:
    tasks:
      - name: small
        taskSpec:
          steps: [{ image: a, script: b }]
      - name: large
        taskSpec:
          steps: [{ image: a, script: "${'é'.repeat(script)}" }]
`);
  assert.ok(run);
  return run;
}

test('A size is bytes of JSON, and names what takes the room, with its file', async () => {
  const run = await runOf(1000);
  const size = await sizeOf(run);
  assert.equal(size.bytes, Buffer.byteLength(JSON.stringify(run.run)));
  assert.equal(size.largest[0]?.path, 'spec.pipelineSpec.tasks[1].taskSpec');
  assert.equal(size.largest[0]?.file, 'run.yaml');
  assert.ok((size.largest[0]?.bytes ?? 0) > 2000);
  assert.deepEqual(size.findings, []);
});

test('A run above the limit of etcd is an error, one near it a warning', async () => {
  const over = await sizeOf(await runOf(objectLimit / 2));
  assert.equal(over.findings[0]?.severity, 'error');
  assert.match(
    over.findings[0]?.message ?? '',
    /expected at most 1572864; what takes the room: spec\.pipelineSpec\.tasks\[1\]/,
  );
  const near = await sizeOf(await runOf((objectLimit * 0.85) / 2));
  assert.deepEqual(
    near.findings.map(({ severity }) => severity),
    ['warning'],
  );
});

test('Annotations have a limit of their own: names and values', async () => {
  const key = 'note'.length;
  const exact = await sizeOf(await runOf(1, annotationsLimit - key));
  assert.equal(exact.annotationBytes, annotationsLimit);
  assert.equal(exact.findings[0]?.severity, 'warning');
  const over = await sizeOf(await runOf(1, annotationsLimit - key + 1));
  assert.equal(over.findings[0]?.severity, 'error');
  assert.equal(over.findings[0]?.where, 'run.yaml, line 6');
});
