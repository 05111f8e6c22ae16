import process from 'node:process';
import { invalid } from '../runtime/errors.ts';

/** The machines that images are made for, and what the others call them. */
export const platforms = {
  'linux/amd64': { os: 'linux', architecture: 'amd64', npm: 'x64', debian: 'amd64', triplet: 'x86_64-linux-gnu' },
  'linux/arm64': { os: 'linux', architecture: 'arm64', npm: 'arm64', debian: 'arm64', triplet: 'aarch64-linux-gnu' },
} as const;

export type PlatformName = keyof typeof platforms;

export function isPlatformName(text: string): text is PlatformName {
  return Object.hasOwn(platforms, text);
}

/** This machine's, if it is one of them. */
export function ownPlatform(): PlatformName | undefined {
  const names = Object.keys(platforms).filter(isPlatformName);
  return names.find((name) => platforms[name].os === process.platform && platforms[name].npm === process.arch);
}

/** @throws SubpipeError `INVALID` for anything but a list of known platforms. */
export function parsePlatforms(text: string | undefined): PlatformName[] {
  const names = (text ?? ownPlatform() ?? 'linux/amd64').split(',').map((name) => name.trim());
  return [...new Set(names)].map((name) => {
    if (isPlatformName(name)) return name;
    throw invalid(`--platform: expected ${Object.keys(platforms).join(' or ')}, comma-separated, got "${name}"`);
  });
}
