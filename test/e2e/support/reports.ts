/** The Pipeline `tests`, with params and results of each type; the types of its results are in its Task only. */
export const testsPipeline = `
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: unit}
spec:
  params: [{name: image}, {name: suites, type: array}, {name: region}]
  results:
  - {name: url}
  - {name: reports, type: array}
  - {name: totals, type: object, properties: {passed: {}, failed: {}}}
  - {name: region}
  steps:
  - name: run
    image: SHELL_IMAGE
    args: ["$(params.suites[*])"]
    env: [{name: IMAGE, value: $(params.image)}, {name: REGION, value: $(params.region)}]
    command:
    - sh
    - -c
    - |
      echo "testing $IMAGE in $REGION: $*"
      printf 'https://reports.example/%s' "$IMAGE" > $(results.url.path)
      printf '["a.xml","b.xml"]' > $(results.reports.path)
      printf '{"passed":"%s","failed":"0"}' "$#" > $(results.totals.path)
      printf '%s' "$REGION" > $(results.region.path)
      test "$IMAGE" != bad
    - sh
---
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: tests}
spec:
  params:
  - {name: image, type: string}
  - {name: suites, type: array, default: [unit]}
  - {name: target, type: object, properties: {region: {}, zone: {}}, default: {region: eu, zone: a}}
  results:
  - {name: url, value: $(tasks.unit.results.url)}
  - {name: reports, value: "$(tasks.unit.results.reports[*])"}
  - {name: totals, value: "$(tasks.unit.results.totals[*])"}
  - {name: place, value: {region: $(tasks.unit.results.region)}}
  tasks:
  - name: unit
    taskRef: {name: unit}
    params:
    - {name: image, value: $(params.image)}
    - {name: suites, value: ["$(params.suites[*])"]}
    - {name: region, value: $(params.target.region)}
`;

/** What `tests` returns for the image app, two suites and the region us. */
export const testsResults = {
  url: 'https://reports.example/app',
  reports: ['a.xml', 'b.xml'],
  totals: { passed: '2', failed: '0' },
  place: { region: 'us' },
};

/** The Pipeline `large`, whose two results fit into a termination message each, but not together. */
export const largePipeline = `
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: large}
spec:
  results: [{name: first, value: $(tasks.a.results.text)}, {name: second, value: $(tasks.b.results.text)}]
  tasks:
  - name: a
    taskSpec: &task
      results: [{name: text}]
      steps: [{name: run, image: SHELL_IMAGE, command: [sh, -c, "head -c 2500 /dev/zero | tr '\\\\0' x > $(results.text.path)"]}]
  - name: b
    taskSpec: *task
`;
