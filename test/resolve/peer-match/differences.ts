/** Where ours answers otherwise on purpose: our answer, and why. */
export const differences: Readonly<Record<string, { ours: unknown; why: string }>> = {
  'glob é? and éa': { ours: true, why: 'the peer counts bytes where characters are meant' },
  'glob x{*,y}z and xabcz': {
    ours: true,
    why: 'the peer takes the first alternative that fits and does not come back',
  },
  'comment /test  run': {
    ours: { event: { eventType: 'test-comment', target: 'run' }, values: {} },
    why: 'the peer finds no name behind two blanks, and would start all runs',
  },
};
