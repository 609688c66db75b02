import { download, upload } from './kinds/bulk.ts';
import { events } from './kinds/events.ts';
import { small } from './kinds/small.ts';
import { socket } from './kinds/socket.ts';
import type { Work } from './load.ts';

const BULK = { bytes: 4 * 1_048_576, ms: 2_000 };
const LISTENING_MS = 2_000;
const CONVERSATION_MS = 3_000;

/** Some of everything that users do; gentle, so that what is slow is not the machine. */
export const MIXTURE: readonly Work[] = [
  { kind: small('GET'), perSecond: 14 },
  { kind: small('PUT'), perSecond: 4 },
  { kind: small('POST'), perSecond: 6 },
  { kind: upload(BULK), perSecond: 0.5 },
  { kind: download(BULK), perSecond: 0.5 },
  { kind: events(20, LISTENING_MS), perSecond: 1 },
  { kind: socket(CONVERSATION_MS), perSecond: 1 },
];

export const READING: readonly Work[] = [{ kind: small('GET'), perSecond: 50 }];
