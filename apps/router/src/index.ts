export type { ApiHandler } from './api/api.ts';
export { startRouter } from './compose.ts';
export type { RouterOptions, RunningRouter } from './compose.ts';
export { openRouterParts } from './parts.ts';
export type { OpenParts, RouterParts } from './parts.ts';
