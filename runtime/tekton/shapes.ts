/**
 * Tekton's v1 and v1beta1 types (docs/pipeline-api.md) as far as reading needs them: what Go's decoder would refuse is refused.
 * A field that is not here is kept as it is.
 *
 * `string`, `bool`, `int`, `strings` (a map), `duration`, `value` (a param's), `object`, `any`, or another type;
 * `[]` is a list of them, `{}` a map.
 */
const types: Record<string, string> = {
  PipelineRun: 'apiVersion:string kind:string metadata:Metadata spec:PipelineRunSpec',
  Pipeline: 'apiVersion:string kind:string metadata:Metadata spec:PipelineSpec',
  Task: 'apiVersion:string kind:string metadata:Metadata spec:TaskSpec',
  StepAction: 'apiVersion:string kind:string metadata:Metadata spec:StepActionSpec',
  Metadata: 'name:string generateName:string namespace:string labels:strings annotations:strings',
  PipelineRunSpec:
    'pipelineRef:Ref pipelineSpec:PipelineSpec params:Param[] timeouts:Timeouts timeout:duration status:string managedBy:string ' +
    'taskRunTemplate:TaskRunTemplate serviceAccountName:string podTemplate:object workspaces:Binding[] taskRunSpecs:TaskRunSpec[]',
  Timeouts: 'pipeline:duration tasks:duration finally:duration',
  TaskRunTemplate: 'serviceAccountName:string podTemplate:object',
  TaskRunSpec:
    'pipelineTaskName:string serviceAccountName:string taskServiceAccountName:string podTemplate:object taskPodTemplate:object ' +
    'stepSpecs:Override[] sidecarSpecs:Override[] stepOverrides:Override[] sidecarOverrides:Override[] metadata:TaskMetadata ' +
    'computeResources:object timeout:duration',
  Override: 'name:string computeResources:object resources:object',
  TaskMetadata: 'labels:strings annotations:strings',
  PipelineSpec:
    'displayName:string description:string tasks:PipelineTask[] finally:PipelineTask[] params:ParamSpec[] ' +
    'workspaces:Workspace[] results:Result[]',
  PipelineTask:
    'name:string displayName:string description:string taskRef:Ref taskSpec:EmbeddedTask pipelineRef:Ref pipelineSpec:PipelineSpec ' +
    'when:When[] retries:int runAfter:string[] params:Param[] matrix:Matrix workspaces:TaskWorkspace[] timeout:duration onError:string',
  Matrix: 'params:Param[] include:Include[]',
  Include: 'name:string params:Param[]',
  When: 'input:string operator:string values:string[] cel:string',
  Ref: 'name:string kind:string apiVersion:string bundle:string resolver:string params:Param[]',
  Param: 'name:string value:value',
  ParamSpec: 'name:string type:string description:string default:value enum:string[] properties:Property{}',
  Property: 'type:string',
  Workspace: 'name:string description:string mountPath:string readOnly:bool optional:bool',
  TaskWorkspace: 'name:string workspace:string subPath:string',
  Binding:
    'name:string subPath:string volumeClaimTemplate:object persistentVolumeClaim:object emptyDir:object configMap:object ' +
    'secret:object projected:object csi:object',
  Result: 'name:string type:string description:string value:value properties:Property{}',
  EmbeddedTask:
    'apiVersion:string kind:string metadata:TaskMetadata spec:any params:ParamSpec[] displayName:string description:string ' +
    'steps:Step[] volumes:object[] stepTemplate:Step sidecars:Step[] workspaces:Workspace[] results:Result[]',
  TaskSpec:
    'params:ParamSpec[] displayName:string description:string steps:Step[] volumes:object[] stepTemplate:Step sidecars:Step[] ' +
    'workspaces:Workspace[] results:Result[]',
  Step:
    'name:string displayName:string image:string command:string[] args:string[] workingDir:string envFrom:object[] env:Env[] ' +
    'computeResources:object resources:object volumeMounts:Mount[] imagePullPolicy:string securityContext:object script:string ' +
    'timeout:duration workspaces:Usage[] onError:string stdoutConfig:object stderrConfig:object ref:Ref params:Param[] ' +
    'results:Result[] when:When[] tty:bool stdin:bool stdinOnce:bool',
  Env: 'name:string value:string valueFrom:object',
  Mount: 'name:string mountPath:string subPath:string subPathExpr:string readOnly:bool',
  Usage: 'name:string mountPath:string',
  StepActionSpec:
    'description:string image:string command:string[] args:string[] env:Env[] script:string workingDir:string params:ParamSpec[] ' +
    'results:Result[] securityContext:object volumeMounts:Mount[]',
};

export type Kind = 'PipelineRun' | 'Pipeline' | 'Task' | 'StepAction';

/** A field's type: a name above, and whether it is one, a list or a map of it. */
export interface FieldShape {
  type: string;
  many: '' | '[]' | '{}';
}

const parsed = new Map<string, ReadonlyMap<string, FieldShape>>();

/** The fields of a type, or `undefined` where `type` is no type with fields. */
export function shapeOf(type: string): ReadonlyMap<string, FieldShape> | undefined {
  const known = parsed.get(type);
  if (known !== undefined) return known;
  const text = Object.hasOwn(types, type) ? types[type] : undefined;
  if (text === undefined) return undefined;
  const fields = new Map<string, FieldShape>();
  for (const word of text.split(' ')) {
    const [name = '', rest = ''] = word.split(':');
    const many = rest.endsWith('[]') ? '[]' : rest.endsWith('{}') ? '{}' : '';
    fields.set(name, { type: many === '' ? rest : rest.slice(0, -2), many });
  }
  parsed.set(type, fields);
  return fields;
}
