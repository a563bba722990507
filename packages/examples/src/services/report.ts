/** The expensive thing that the example services have in common. */

export interface Report {
  readonly day: string;
  readonly total: number;
}

export type LoadReport = (day: string, signal: AbortSignal) => Promise<Report>;
