import type { Case } from './cases.ts';
export const payloadCases: readonly Case[] = [];
