export { parseAddressRange, type AddressRange } from './address-range.ts';
export { describeSettings, keysOf, type KeyNotes } from './describe.ts';
export { formatEdgeAddress, parseEdgeAddress, type EdgeAddress, type LinkScheme } from './edge-address.ts';
export type { Environment } from './environment.ts';
export { flagField, numberField, textField, type TextKind } from './field.ts';
export type { Notes, OptionalSchema, Output, Schema } from './schema.ts';
export {
  addressRange,
  choice,
  count,
  duration,
  durationText,
  edgeAddress,
  edgeAddressText,
  filePath,
  flag,
  hostnamePattern,
  hostPort,
  listenAddress,
  name,
  port,
  secret,
  size,
  sizeAsWritten,
  text,
  uuid,
} from './fields.ts';
export {
  livePart,
  LiveSettings,
  PartRefusedError,
  partsWithin,
  type Change,
  type LivePart,
  type LiveParts,
  type Prepared,
} from './live-settings.ts';
export { parseHostname, parseHostnamePattern } from './hostname-pattern.ts';
export { isLoopback, parseHostPort, parseListenAddress } from './host-port.ts';
export { parseDuration, parseSize } from './quantities.ts';
export { parsePathRule, parsePortRange, pathRule, portRange, type PortRange } from './rules.ts';
export { Secret } from './secret.ts';
export {
  adminSection,
  clientTlsSection,
  drainTimeout,
  reusePort,
  logSection,
  readClientTls,
  tlsSection,
  type ClientTls,
} from './service-keys.ts';
export { formatProblem, SettingsError, type Problem } from './settings-error.ts';
export {
  parseSettings,
  readFile,
  readSettings,
  readValue,
  type ParseOptions,
  type ReadFile,
  type SettingsOf,
  type SettingsSchema,
} from './settings-file.ts';
export { natsUrl, redisUrl } from './urls.ts';
export { checkValue } from './value.ts';
export {
  either,
  list,
  mapped,
  mapping,
  oneOrMany,
  optional,
  optionalList,
  optionalSection,
  section,
  type SectionOutput,
  type SectionSchema,
} from './structure.ts';
