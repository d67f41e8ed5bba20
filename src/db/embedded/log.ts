/** The part of a logger that the embedded server uses; pino's shape. */
export interface EmbeddedLog {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
}
