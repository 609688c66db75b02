import type { Part } from '../actor.ts';
import type { CertificateFiles } from '../certificate.ts';
import type { Address } from '../held-connection.ts';

/** Whose figures a process counts for; `control` (router, NATS, Redis) is shown apart. */
export type Role = 'server' | 'agent' | 'control';

/** One process of a contestant. */
export interface Member extends Part {
  readonly role: Role;
  /** What tells that it can take work: a port that accepts, or a line in its output. */
  readonly ready: { readonly port: number } | { readonly line: RegExp } | 'unknown';
}

/** What a contestant can do besides plain HTTP/1.1: some cases need it. */
export type Skill = 'tls' | 'grpc' | 'workers';

/** A contestant with its files written and its ports chosen, to be started in the order of its members. */
export interface Plan extends Address {
  /** Where it terminates TLS, and speaks HTTP/2 and HTTP/1.1 there; absent: it does not. */
  readonly tlsPort?: number;
  /** Where it answers /healthz; absent: nowhere. */
  readonly adminPort?: number;
  /** Whether what is asked below `GRPC_PATH` of the TLS port reaches the service's gRPC side. */
  readonly grpc?: boolean;
  /** Processes that share the public port; absent: it has no setting for that, or the bench leaves it alone. */
  readonly workers?: number;
  readonly members: readonly Member[];
}

/** What a contestant may use to make its plan. */
export interface Site {
  readonly upstream: number;
  /** Where the same service speaks HTTP/2 in clear, with trailers. */
  readonly grpcUpstream: number;
  /** For `HOSTNAME`, PEM. */
  readonly certificate: CertificateFiles;
  /** A folder of its own for configuration files. */
  readonly folder: string;
  port(): Promise<number>;
}

/** A proxy or tunnel that takes turns with the others. Add one in a file here and in `everyone.ts`. */
export interface Contestant {
  readonly name: string;
  /** Remarks on its configuration, for the table of versions. */
  readonly setup: string;
  /** Programs that must be found on PATH (a path is taken as it is); the first one tells the version. */
  readonly programs: readonly [string, ...string[]];
  /** Arguments that make the first program print its version. */
  readonly version: readonly string[];
  /** The names of the cases that it takes part in; absent: all. */
  readonly only?: readonly string[];
  plan(site: Site): Promise<Plan>;
}

export { GRPC_PATH, HOSTNAME } from '../names.ts';
