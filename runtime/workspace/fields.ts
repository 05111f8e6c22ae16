/** Environment of a step's container from its pod's labels: what an image says of its origin. */
export const workspaceFields = {
  SUBPIPE_TASK_RUN: "metadata.labels['tekton.dev/taskRun']",
  SUBPIPE_PIPELINE_RUN: "metadata.labels['tekton.dev/pipelineRun']",
  SUBPIPE_PIPELINE_TASK: "metadata.labels['tekton.dev/pipelineTask']",
  SUBPIPE_TASK: "metadata.labels['tekton.dev/task']",
} as const;
