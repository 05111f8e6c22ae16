/** A small run of a step, whose functions are those that its compiled code holds. */
export interface WarmUp {
  args: readonly string[];
  /** Files in the folder that it runs in, by path. */
  files: Readonly<Record<string, string>>;
}

/**
 * Steps whose bundle holds much that a usual run does without: compiled code of all of it would take longer to read than it saves.
 * What is asked of a run here must be the same each time: no network, no Kubernetes, no name that is made up.
 */
export const warmUps: Readonly<Record<string, WarmUp>> = {
  'pac-resolve': {
    args: ['-f', '.tekton', '-p', 'name=value'],
    files: {
      '.git/HEAD': 'ref: refs/heads/main\n',
      '.git/refs/heads/main': '0123456789012345678901234567890123456789\n',
      '.git/config': '[core]\n\tbare = false\n[remote "origin"]\n\turl = git@example.com:owner/name.git\n',
      '.tekton/runs/push.yaml': `---
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata:
  name: push
  annotations:
    pipelinesascode.tekton.dev/on-event: "[push]"
    pipelinesascode.tekton.dev/on-target-branch: '[main]' # quoted both ways
spec:
  params:
    - { name: revision, value: "{{ revision }}" }
    - name: url
      value: "{{repo_url}}"
  pipelineRef: {name: build}
  taskRunTemplate:
    serviceAccountName: builder
  workspaces:
    - name: source
      volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
`,
      '.tekton/pipeline.yaml': `apiVersion: tekton.dev/v1
kind: Pipeline
metadata:
  name: build
spec:
  params:
    - name: revision
      type: string
      default: main
    - name: url
  workspaces:
    - name: source
  results:
    - name: digest
      value: $(tasks.build.results.digest)
  tasks:
    - name: build
      taskRef:
        kind: Task
        name: build
      retries: 1
      timeout: 10m0s
      params:
        - name: url
          value: $(params.url)
        - name: flags
          value:
            - --one
            - "--two=2"
      workspaces:
        - name: source
    - name: inline
      runAfter: [build]
      when:
        - input: $(params.revision)
          operator: notin
          values: ["skip"]
      taskSpec:
        steps:
          - name: say
            image: busybox
            command: [echo]
            args: ['$(tasks.build.results.digest)']
  finally:
    - name: report
      taskRef:
        name: report
`,
      '.tekton/tasks/build.yml': `# Two Tasks in one file.
apiVersion: tekton.dev/v1
kind: Task
metadata:
  name: build
  labels:
    team: ci
spec:
  description: >-
    Builds what is in
    the workspace.
  params:
    - name: url
      type: string
      description: "Where from: a URL."
    - name: flags
      type: array
      default: []
  workspaces:
    - name: source
      optional: true
  results:
    - name: digest
  volumes:
    - name: cache
      emptyDir: {}
  steps:
    - name: build
      image: registry.example.com/builder@sha256:0123456789012345678901234567890123456789012345678901234567890123
      env:
        - name: HOME
          value: /tekton/home
        - name: COUNT
          value: "1"
      computeResources:
        limits: {memory: 1Gi, cpu: 500m}
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
      volumeMounts:
        - name: cache
          mountPath: /cache
      script: |
        #!/bin/sh
        set -eu
        echo "building $(params.url)"
        printf '%s' yes > "$(results.digest.path)"
---
apiVersion: tekton.dev/v1
kind: Task
metadata:
  name: report
spec:
  steps:
    - image: busybox
      script: echo done
`,
    },
  },
};
