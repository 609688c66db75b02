/** One measured value as the tables show it. */
export interface Figure {
  readonly stage: string;
  readonly name: string;
  readonly value: string;
}

/** Collects what is measured, and says it as it comes. */
export class Figures {
  readonly all: Figure[] = [];
  readonly #say: (line: string) => void;

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  add(stage: string, name: string, value: string): void {
    this.all.push({ stage, name, value });
    this.#say(`${stage}: ${name}: ${value}`);
  }
}

export const bytes = (value: number): string =>
  value >= 10 * 2 ** 20
    ? `${round(value / 2 ** 20)} MiB`
    : value >= 10_240
      ? `${round(value / 1_024)} KiB`
      : `${round(value)} B`;

export const rate = (count: number, seconds: number, unit: string): string =>
  `${grouped(count / seconds)} ${unit}/s`;

export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

export const millis = (ms: number): string => `${ms.toFixed(2)} ms`;

export const grouped = (value: number): string => Math.round(value).toLocaleString('en-US');

export const percent = (share: number): string => `${round(share * 100)} %`;

function round(value: number): string {
  return value >= 100 ? grouped(value) : value.toFixed(1);
}
