import { bulk1, bulk8 } from './bulk.ts';
import type { Case } from './case.ts';
import { grpc, h2 } from './http2.ts';
import { idle } from './idle.ts';
import { overload } from './overload.ts';
import { c1, c512, c64, close, tls64, tlsclose, workers } from './requests.ts';
import { start } from './start.ts';

/** All cases the bench knows, in the order of its tables. */
export const everyCase: readonly Case[] = [
  c64,
  c1,
  c512,
  close,
  tls64,
  tlsclose,
  workers,
  h2,
  grpc,
  bulk1,
  bulk8,
  idle,
  overload,
  start,
];
