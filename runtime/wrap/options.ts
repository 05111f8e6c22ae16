import { invalid } from '../errors.ts';
import { readBase } from './target.ts';
import type { WrapUser } from './user.ts';
import type { WrapOptions } from './wrap.ts';

/** Options of wrapping as texts, from flags. */
export interface WrapTexts {
  target: string | undefined;
  base: string | undefined;
  insecure: readonly string[];
  images: string | undefined;
  user: string | undefined;
}

/**
 * The options of wrapping, where there is a target.
 * @param flags The flag that each is given by.
 * @throws SubpipeError `INVALID` for options without a target, and for those that are wrong by themselves.
 */
export function readWrapOptions(
  { target, base, insecure, images, user }: WrapTexts,
  flags: Readonly<Record<keyof WrapTexts, string>>,
): WrapOptions | undefined {
  if (target === undefined) {
    const given = { base, insecure: insecure[0], images, user };
    const alone = (['base', 'insecure', 'images', 'user'] as const).find((name) => given[name] !== undefined);
    if (alone === undefined) return undefined;
    throw invalid(
      `${flags[alone]} says how workspaces are handed on, but nothing says where: expected ${flags.target}`,
    );
  }
  if (images !== undefined && !images.includes('{{step}}')) {
    throw invalid(`${flags.images} must have {{step}} where the name of a step belongs, but is ${images}`);
  }
  return {
    target,
    base: base === undefined ? undefined : readBase(base, flags.base),
    insecure,
    images,
    user: user === undefined ? undefined : readUser(user, flags.user),
    where: flags.target,
  };
}

function readUser(text: string, where: string): WrapUser {
  if (text === 'image') return 'image';
  const id = Number(text);
  if (/^\d+$/.test(text) && id < 2 ** 31) return id;
  throw invalid(`${where} must be a user ID or image, but is ${JSON.stringify(text)}`);
}
