/** Shows stages as they run: in place on a terminal, one steady line each in a log. */
export type Progress = {
  /** Runs the work as a stage with a name; stages may run side by side. */
  stage<T>(name: string, work: (note: (text: string) => void) => Promise<T>): Promise<T>;
  say(text: string): void;
};

type Output = { isTTY?: boolean; columns?: number; write(text: string): unknown };

/** @param out where the lines go; standard error unless told */
export function progressTo(out: Output = process.stderr): Progress {
  const began = performance.now();
  const running = new Map<string, { since: number; note: string }>();
  let shown = 0;

  const clear = () => {
    if (shown > 0) out.write(`\x1b[${shown}A\x1b[J`);
    shown = 0;
  };
  const draw = () => {
    if (!out.isTTY) return;
    for (const [name, { since, note }] of running) {
      const line = `… ${name} ${seconds(since)}${note === '' ? '' : `  ${note}`}`;
      out.write(`${line.slice(0, (out.columns ?? 80) - 1)}\n`);
      shown += 1;
    }
  };
  const line = (text: string) => {
    clear();
    out.write(`${text}\n`);
    draw();
  };
  const ticker = out.isTTY
    ? setInterval(() => {
        clear();
        draw();
      }, 200).unref()
    : setInterval(() => {
        // A log shows that something is under way, without a line for each tick.
        for (const [name, { since, note }] of running) {
          if (performance.now() - since > 30_000) out.write(`… ${name} ${seconds(since)}${note ? `  ${note}` : ''}\n`);
        }
      }, 30_000).unref();
  void ticker;

  return {
    async stage(name, work) {
      const state = { since: performance.now(), note: '' };
      running.set(name, state);
      draw();
      try {
        const result = await work((note) => {
          state.note = note;
        });
        running.delete(name);
        line(`${seconds(began).padStart(7)}  ${name} (${seconds(state.since)})`);
        return result;
      } catch (error) {
        running.delete(name);
        line(`${seconds(began).padStart(7)}  ${name} failed (${seconds(state.since)})`);
        throw error;
      }
    },
    say: line,
  };
}

const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(1)} s`;
