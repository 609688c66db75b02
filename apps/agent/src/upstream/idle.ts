/** An exchange or a raw connection in which nothing moved for so long (ms) is given up: an hour. */
export const IDLE_MS = 3_600_000;
