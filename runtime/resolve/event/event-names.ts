/** What `--event` may be. */
export const eventNames = [
  'push',
  'pull_request',
  'incoming',
  'tag',
  'label',
  'comment',
  'pull_request_closed',
] as const;
