/**
 * A Service Health event as a pull tells it (azure-signals 7.1): the whole history under one tracking ID, as one
 * subscription sees it, and what has to be guessed because a pull does not say it.
 */
/** One post under the event, the same in every region that carries it. */
export interface EventUpdate {
  /** ISO 8601 UTC with milliseconds, like every time here. */
  at: string;
  /** As sent, HTML or plain text. */
  html: string;
  tags: readonly string[];
}

/** One event as one subscription sees it. */
export interface AzureEvent {
  trackingId: string;
  /** Lower-cased; null for an event of the tenant. */
  subscription: string | null;
  /** `ServiceIssue`, `PlannedMaintenance`, `HealthAdvisory`, `SecurityAdvisory`, `RCA`, ... as sent. */
  eventType: string;
  /** `Active` or `Resolved`. */
  status: string;
  level: string | null;
  title: string;
  startedAt: string | null;
  mitigatedAt: string | null;
  updatedAt: string;
  impacts: readonly { service: string; regions: readonly string[] }[];
  /** Oldest first, each once. */
  updates: readonly EventUpdate[];
}

const REVIEW = /\bpir\b|post[- ]?incident|\brca\b|root cause/i;

/**
 * Azure's word for the stage of one post. A pull gives the state of the event and no stage per post: the newest post of
 * an event that is over is its end, tags mark reviews, and a maintenance is planned until it starts.
 */
export function stageOfUpdate(event: AzureEvent, update: EventUpdate): string {
  if (fold(event.eventType) === 'rca' || isReview(update)) return 'RCA';
  const planned = fold(event.eventType) === 'plannedmaintenance';
  if (fold(event.status) === 'resolved' && update === event.updates.findLast((one) => !isReview(one)))
    return planned ? 'Complete' : 'Resolved';
  if (!planned) return 'Active';
  return event.startedAt !== null && update.at < event.startedAt ? 'Planned' : 'InProgress';
}

/** Whether a post ends its event, by its stage or as a review of what is over. */
export function isEnd(event: AzureEvent, update: EventUpdate): boolean {
  return ['Resolved', 'Complete', 'RCA'].includes(stageOfUpdate(event, update));
}

/**
 * The end of an event that is over, as a post of its own: its last words again, at the time at which Azure last touched
 * it but not before `notBefore`: no text need be new when only the state changes. Null while it goes on, and for reviews.
 */
export function endOf(event: AzureEvent, notBefore: string): { event: AzureEvent; update: EventUpdate } | null {
  if (fold(event.status) !== 'resolved' || fold(event.eventType) === 'rca') return null;
  const html = event.updates.findLast((one) => !isReview(one))?.html ?? '';
  const at = event.updatedAt > notBefore ? event.updatedAt : notBefore;
  const update = { at, html, tags: [] };
  return { event: { ...event, updates: [...event.updates, update] }, update };
}

/** Preliminary and final reviews are tagged posts of the same event (azure-signals 1.5). */
function isReview(update: EventUpdate): boolean {
  return update.tags.some((tag) => REVIEW.test(tag));
}

/** An outage that goes on is news however long its last post is ago; an advisory may be open for years. */
export function isOngoingOutage(event: AzureEvent): boolean {
  return fold(event.eventType) === 'serviceissue' && fold(event.status) === 'active';
}

function fold(word: string): string {
  return word.replaceAll(/[\s_-]+/g, '').toLowerCase();
}
