import { bulk1, bulk8 } from './bulk.ts';
import type { Case } from './case.ts';
import { idle } from './idle.ts';
import { c1, c512, c64, close } from './requests.ts';
import { start } from './start.ts';

/** All cases the bench knows, in the order of its tables. */
export const everyCase: readonly Case[] = [c64, c1, c512, close, bulk1, bulk8, idle, start];
