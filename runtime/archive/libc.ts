import { Buffer } from 'node:buffer';
import process from 'node:process';
import { isRecord } from '../oci/manifest.ts';

/**
 * What Node lacks: extended attributes, times of files to the nanosecond (fs takes seconds as a double, which is exact to
 * 240 ns), and less memory for threads. Node calls libc for us (`node:ffi`, in Node 26 and the step images); where it cannot,
 * {@link loadLibc} gives undefined, and the caller says what is lost.
 */
export interface Libc {
  /** Names of a file's extended attributes. */
  list(fd: number): readonly string[];
  get(fd: number, name: string): Buffer | undefined;
  /** @returns whether the file has it now: others' namespaces need rights, and not all filesystems have attributes. */
  set(fd: number, name: string, value: Buffer): boolean;
  /** Of the thing itself: a symlink's are its own. `path` is absolute. @returns whether they were set. */
  setTime(path: string | Buffer, seconds: number, nanoseconds: number): boolean;
  setFileTime(fd: number, seconds: number, nanoseconds: number): boolean;
  /** All threads take memory from one place (mallopt(3)): what one gives back is there for the others, and some MiB of it are kept. */
  shareMemory(): void;
}

/** A function of libc. A pointer is memory, or where that is. */
type Call = (...values: (number | bigint | ArrayBufferView)[]) => unknown;

const signatures = {
  flistxattr: { arguments: ['i32', 'pointer', 'u64'], return: 'i64' },
  fgetxattr: { arguments: ['i32', 'pointer', 'pointer', 'u64'], return: 'i64' },
  fsetxattr: { arguments: ['i32', 'pointer', 'pointer', 'u64', 'i32'], return: 'i32' },
  futimens: { arguments: ['i32', 'pointer'], return: 'i32' },
  utimensat: { arguments: ['i32', 'pointer', 'pointer', 'i32'], return: 'i32' },
  mallopt: { arguments: ['i32', 'i32'], return: 'i32' },
};

let loaded: { libc: Libc | undefined } | undefined;

/** The same for all of the process; undefined where Node has no `node:ffi` or the libc is not glibc. */
export function loadLibc(): Libc | undefined {
  loaded ??= { libc: quietly(open) };
  return loaded.libc;
}

/** Node warns that ffi is new: of no use to people who read a step's log. */
function quietly<T>(work: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return work();
  } finally {
    process.emitWarning = emitWarning;
  }
}

function open(): Libc | undefined {
  if (process.platform !== 'linux') return undefined;
  // Not an import: Node before 26 does not have it. @types/node 26 does not know it yet.
  const getModule: (name: string) => unknown = process.getBuiltinModule;
  const ffi = getModule('node:ffi');
  if (!isRecord(ffi) || typeof ffi.dlopen !== 'function') return undefined;
  try {
    const opened: unknown = ffi.dlopen('libc.so.6', signatures);
    if (!isRecord(opened) || !isRecord(opened.functions)) return undefined;
    const { getRawPointer } = ffi;
    if (typeof getRawPointer !== 'function') return undefined;
    return bind(opened.functions, (memory) => getRawPointer(memory));
  } catch {
    return undefined;
  }
}

function isCall(value: unknown): value is Call {
  return typeof value === 'function';
}

/** @param addressOf where memory is: looking that up at each call takes longer than the call. */
function bind(functions: Record<string, unknown>, addressOf: (memory: ArrayBufferView) => bigint): Libc {
  const named = (name: keyof typeof signatures): Call => {
    const found = functions[name];
    if (!isCall(found)) throw new Error(`libc has no ${name}`);
    return found;
  };
  const [flistxattr, fgetxattr, fsetxattr] = [named('flistxattr'), named('fgetxattr'), named('fsetxattr')];
  const [futimens, utimensat, mallopt] = [named('futimens'), named('utimensat'), named('mallopt')];
  /** Linux's own limits: XATTR_LIST_MAX and XATTR_SIZE_MAX are 64 KiB. */
  const space = Buffer.allocUnsafeSlow(65536);
  const spaceAt = addressOf(space);
  const room = BigInt(space.length);
  // Of a buffer of its own: small arrays without one are where V8 moves them.
  const times = new BigInt64Array(new ArrayBuffer(32));
  const timesAt = addressOf(times);
  const fillTimes = (seconds: number, nanoseconds: number): void => {
    times[0] = times[2] = BigInt(seconds);
    times[1] = times[3] = BigInt(nanoseconds);
  };
  const currentFolder = -100; // AT_FDCWD
  const notFollowed = 0x100; // AT_SYMLINK_NOFOLLOW
  const [arenas, trimThreshold, mmapThreshold] = [-8, -1, -3]; // M_ARENA_MAX, M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
  const none: readonly string[] = [];
  return {
    list(fd) {
      const length = Number(flistxattr(fd, spaceAt, room));
      return length <= 0 ? none : space.toString('latin1', 0, length - 1).split('\0');
    },
    get(fd, name) {
      const length = Number(fgetxattr(fd, Buffer.from(`${name}\0`, 'latin1'), spaceAt, room));
      return length < 0 ? undefined : Buffer.from(space.subarray(0, length));
    },
    set(fd, name, value) {
      const data = value.length === 0 ? Buffer.alloc(1) : value;
      return Number(fsetxattr(fd, Buffer.from(`${name}\0`, 'latin1'), data, BigInt(value.length), 0)) === 0;
    },
    setTime(path, seconds, nanoseconds) {
      fillTimes(seconds, nanoseconds);
      const length = typeof path === 'string' ? space.write(path) : path.copy(space);
      // As much as no path may have (PATH_MAX): what did not fit is not another path.
      if (length >= 4096) return false;
      space[length] = 0;
      return Number(utimensat(currentFolder, spaceAt, timesAt, notFollowed)) === 0;
    },
    setFileTime(fd, seconds, nanoseconds) {
      fillTimes(seconds, nanoseconds);
      return Number(futimens(fd, timesAt)) === 0;
    },
    shareMemory() {
      mallopt(arenas, 1);
      // Else the kernel clears the pages of each piece anew.
      mallopt(trimThreshold, 32 * 2 ** 20);
      mallopt(mmapThreshold, 16 * 2 ** 20);
    },
  };
}
