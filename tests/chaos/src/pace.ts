/** How long things last: a short run proves the same bounds as a long one, with shorter outages and fewer victims. */
export interface Pace {
  /** How long a part of the control plane is away, ms. */
  readonly outageMs: number;
  /** How long a path is disturbed, ms: longer than silence takes to be noticed. */
  readonly disturbanceMs: number;
  /** How long nothing may fail until a trial is over, ms. */
  readonly calmMs: number;
  /** How long the load runs before the fault, ms. */
  readonly warmUpMs: number;
  /** Every edge, agent and router in turn, instead of one of each. */
  readonly everyone: boolean;
  readonly soakMs: number;
  /** Agents that come back all at once. */
  readonly herd: number;
}

export const SHORT: Pace = {
  outageMs: 12_000,
  disturbanceMs: 7_500,
  calmMs: 1_500,
  warmUpMs: 1_000,
  everyone: false,
  soakMs: 180_000,
  herd: 300,
};

export const LONG: Pace = {
  outageMs: 60_000,
  disturbanceMs: 20_000,
  calmMs: 5_000,
  warmUpMs: 5_000,
  everyone: true,
  soakMs: 30 * 60_000,
  herd: 10_000,
};
