import {
  chmodSync,
  closeSync,
  futimesSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';

const odd = ['ü', '\n', ' ', '"', '\\', '*', '😀', '-', '.', '%2e'];

/** Changes a folder in ways that a build could: `steps` times something is made, changed or removed. */
export function mutate(root: string, next: () => number, steps: number): void {
  const at = (path: Buffer, name: Buffer) => Buffer.concat([path, Buffer.from('/'), name]);
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(next() * list.length)];
  const name = (): Buffer => {
    const kind = next();
    if (kind < 0.05) return Buffer.from([0xff, 0x80, 97 + Math.floor(next() * 26)]);
    if (kind < 0.1) return Buffer.from(`${'long-'.repeat(40)}${Math.floor(next() * 99)}`);
    return Buffer.from(`${kind < 0.3 ? pick(odd) : ''}n${Math.floor(next() * 20)}`);
  };
  const folders = (): Buffer[] => {
    const found: Buffer[] = [];
    const visit = (path: Buffer): void => {
      found.push(path);
      for (const entry of readdirSync(path, { withFileTypes: true, encoding: 'buffer' })) {
        if (entry.isDirectory() && found.length < 200) visit(at(path, entry.name));
      }
    };
    visit(Buffer.from(root));
    return found;
  };
  for (let i = 0; i < steps; i++) {
    const folder = pick(folders()) ?? Buffer.from(root);
    const path = at(folder, name());
    const here = lstatSync(path, { throwIfNoEntry: false });
    const action = next();
    if (here !== undefined && action < 0.6) {
      if (action < 0.3) rmSync(path, { recursive: true });
      else if (here.isFile()) writeFileSync(path, `changed ${next()}`);
      else if (here.isDirectory()) chmodSync(path, 0o700 | Math.floor(next() * 0o1077));
      continue;
    }
    if (here !== undefined) rmSync(path, { recursive: true });
    if (action < 0.4) {
      const size = next() < 0.1 ? 300_000 : Math.floor(next() * 2000);
      writeFileSync(path, Buffer.alloc(size, `${next()}`), { mode: 0o600 });
      chmodSync(path, pick([0o644, 0o755, 0o4755, 0o2755, 0o1644, 0o444, 0o600]) ?? 0o644);
    } else if (action < 0.5) {
      const fd = openSync(path, 'w');
      writeSync(fd, 'after a hole', 500_000 + Math.floor(next() * 70_000));
      futimesSync(fd, 1_000_000_000, Math.floor(next() * 4_000_000_000) - 1_000_000_000);
      closeSync(fd);
    } else if (action < 0.7) mkdirSync(path);
    else if (action < 0.8) symlinkSync(pick(['/etc/passwd', '../../..', 'gone', '.']) ?? 'x', path);
    else {
      const files = readdirSync(folder, { withFileTypes: true, encoding: 'buffer' }).filter((entry) => entry.isFile());
      const other = pick(files);
      if (other !== undefined) linkSync(at(folder, other.name), path);
    }
  }
}
