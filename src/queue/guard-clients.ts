/**
 * A connection that dies must never end the process. BullMQ 6.7 has no error listener on a connection while it checks
 * its schema, and takes all of them off before it closes one (postgres-connection.js: bootstrap, close); when Postgres
 * dies just then, pg's 'error' event has nobody to go to and Node ends the process.
 */
import { Client } from 'pg';

let guarded = false;

/** From now on an error that nobody listens for is dropped: whoever waits for a statement is told by its rejection. */
export function guardClients(): void {
  if (guarded) return;
  guarded = true;
  const emit = Reflect.get(Client.prototype, 'emit') as (this: Client, event: string, ...details: unknown[]) => boolean;
  Client.prototype.emit = function guardedEmit(this: Client, event: string, ...details: unknown[]): boolean {
    return event === 'error' && this.listenerCount('error') === 0 ? false : emit.call(this, event, ...details);
  } as typeof Client.prototype.emit;
}
