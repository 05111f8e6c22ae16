import { type Fields, isFields } from '../../../../runtime/shape.ts';
import type { Draft, Placed } from './draft.ts';
import type { Random } from './random.ts';

const prefix = 'pipelinesascode.tekton.dev';

/** A draft with one thing wrong, so that both programs must speak of the same. */
export function spoil(draft: Draft, random: Random): Draft {
  const runs = draft.files.filter(({ object }) => object.kind === 'PipelineRun');
  const victim = random.pick(runs);
  const annotated = (key: string, value: string) => changed(draft, victim, withAnnotation(victim.object, key, value));
  switch (random.below(9)) {
    case 0:
      return { ...draft, files: draft.files.filter(({ object }) => object.kind !== 'PipelineRun') };
    case 1:
      return { ...draft, files: [...draft.files, { ...victim }] };
    case 2:
      return annotated('task-9', random.pick(['{{REMOTE}}/gone.yaml', '[{{REMOTE}}/gone.yaml]']));
    case 3:
      return annotated('task-9', random.pick(['./gone/task.yaml', 'gone/task.yaml']));
    case 4:
      return annotated('task-9', random.pick(['[a', 'a]', 'a b', '[]', '[,]']));
    case 5:
      return annotated('pipeline', random.pick(['{{REMOTE}}/gone.yaml', './gone/p.yaml']));
    case 6:
      return annotated('pipeline', '[./one/p.yaml, ./two/p.yaml]');
    case 7:
      return { ...annotated('task-9', '{{REMOTE}}/kind.yaml'), remote: [...draft.remote, wrongKind] };
    default:
      return changed(draft, victim, naming(victim.object, 'gone-task'));
  }
}

const wrongKind: Placed = {
  path: '/kind.yaml',
  object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { a: 'b' } },
};

function changed(draft: Draft, one: Placed, object: Fields): Draft {
  return { ...draft, files: draft.files.map((other) => (other === one ? { ...one, object } : other)) };
}

function withAnnotation(object: Fields, key: string, value: string): Fields {
  const metadata = isFields(object.metadata) ? object.metadata : {};
  const annotations = isFields(metadata.annotations) ? metadata.annotations : {};
  return { ...object, metadata: { ...metadata, annotations: { ...annotations, [`${prefix}/${key}`]: value } } };
}

/** A run whose Pipeline names a Task that is nowhere. */
function naming(object: Fields, name: string): Fields {
  const spec = isFields(object.spec) ? object.spec : {};
  const { pipelineRef: _ref, pipelineSpec, ...rest } = spec;
  const own = isFields(pipelineSpec) ? pipelineSpec : {};
  const tasks = Array.isArray(own.tasks) ? own.tasks : [];
  return {
    ...object,
    spec: { ...rest, pipelineSpec: { ...own, tasks: [...tasks, { name: 'bad', taskRef: { name } }] } },
  };
}
